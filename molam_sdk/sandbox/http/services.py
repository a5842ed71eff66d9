"""ApiServices: what the operations of one running sandbox share."""

from dataclasses import dataclass

from ..access.keys import ApiKeys
from ..access.rate import RateLimit
from ..deliveries.worker import DeliveryWorker
from ..domain.clock import SandboxClock
from ..faults.faults import Faults
from ..operations.served import SandboxPolicy
from ..store.changes import Changes
from ..store.database import SandboxStore
from ..store.request_log import RequestLog
from .connections import Connections
from .idempotency import IdempotencyKeys
from .metrics import SandboxMetrics


@dataclass(frozen=True, slots=True)
class ApiServices:
    """One of each, shared by every operation."""

    store: SandboxStore
    clock: SandboxClock
    keys: ApiKeys
    rate: RateLimit
    faults: Faults
    connections: Connections
    worker: DeliveryWorker
    metrics: SandboxMetrics
    idempotency: IdempotencyKeys
    log: RequestLog
    changes: Changes
    policy: SandboxPolicy
    error_format: str
