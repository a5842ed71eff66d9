"""What a verified delivery leaves in the inbox, and its answer."""

from __future__ import annotations

from typing import Final

from ...store import Claim, Store
from ...store.async_store import AsyncStore
from ...store.database import NoConnectionError
from ...store.events import EventClaims
from ...store.inbox import Arrival, Inbox
from ..delivery import IncomingDelivery, WebhookAnswer
from ..listening import JournalListener

# What the run needs of the delivery: its trace and its id, for the log.
_KEPT_HEADERS: Final = ("traceparent", "tracestate", "baggage", "idempotency-key")


def with_inbox(store: Store | AsyncStore) -> EventClaims:
    """The store, which has an inbox, as steps see it; ``ValueError`` for one that cannot keep bodies."""
    found = store.in_steps if isinstance(store, AsyncStore) else store
    if isinstance(found, EventClaims):
        return found
    raise ValueError(
        f"an inbox wants a store in a database, and {type(store).__name__} is none: "
        "use SqliteStore, SqlStore or DjangoStore"
    )


def keep(
    inbox: Inbox, delivery: IncomingDelivery, claim: Claim, body: bytes, now: float, *, listener: JournalListener
) -> WebhookAnswer:
    """Keep the event for a worker, on disk, and answer. A claim that names its object asks for order.

    What it settles in a journal is settled now, in the same transaction where both stand in one database.
    """
    kept = {name: value for name in _KEPT_HEADERS if (value := delivery.headers.first(name)) is not None}
    named = delivery.event.object_id if delivery.event is not None else None
    arrival = Arrival(
        claim.event_id,
        claim.event_type,
        body,
        claim.created,
        claim.object_id or named,
        in_order=claim.object_id is not None,
        headers=kept,
        occurrence=claim.occurrence,
    )
    try:
        with listener.transaction():
            if delivery.event is not None:
                listener.hear(delivery.event)
            new = inbox.store(arrival, now)
    except Exception as error:  # noqa: BLE001  # whatever a store raises, the sender gets an answer
        full = isinstance(error, NoConnectionError)
        return delivery.answer("store_full" if full else "store_error", error=error)
    return delivery.answer("stored" if new else "duplicate")
