"""ApiServices: what the operations of one running sandbox share."""

from dataclasses import dataclass

from ..access.keys import ApiKeys
from ..access.rate import RateLimit
from ..deliveries.worker import DeliveryWorker
from ..domain.clock import SandboxClock
from ..faults.faults import Faults
from ..store.database import SandboxStore
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
    error_format: str
