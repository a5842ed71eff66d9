"""ControlServices: what the control actions of one running sandbox work on."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ..access.keys import ApiKeys
from ..deliveries.inbox import DeliveryInbox
from ..deliveries.webhooks import Webhooks
from ..deliveries.worker import DeliveryWorker
from ..domain.clock import SandboxClock
from ..faults.faults import Faults
from ..store.changes import Changes
from ..store.database import SandboxStore
from ..store.ledger import Ledger
from ..store.payments import Payments
from ..store.request_log import RequestLog
from .snapshots import Snapshots


@dataclass(frozen=True, slots=True)
class ControlServices:
    """One of each, shared by every action."""

    store: SandboxStore
    faults: Faults
    clock: SandboxClock
    worker: DeliveryWorker
    ledger: Ledger
    webhooks: Webhooks
    payments: Payments
    inbox: DeliveryInbox
    keys: ApiKeys
    log: RequestLog
    changes: Changes
    snapshots: Snapshots
    url: str
    stopping: asyncio.Event


def whole(query: Mapping[str, str], name: str, otherwise: int, most: int = 10**9) -> int:
    """A number of the query, from 0 to `most`; raises ValueError that names it."""
    text = query.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) <= most):
        raise ValueError(f"{name} must be a whole number from 0 to {most}")
    return int(text)
