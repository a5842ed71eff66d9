"""The object of an event as it is now, asked of Molam."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ..webhooks import WebhookEvent, canonical_type

if TYPE_CHECKING:
    from ..client import MolamClient
    from ..plain_async_client import PlainAsyncClient

    Client: TypeAlias = MolamClient | PlainAsyncClient
else:
    Client = Any

RunCoroutine: TypeAlias = Callable[[Coroutine[Any, Any, Any]], Any]
"""Waits, in a thread, for a coroutine that runs on an event loop elsewhere."""

_OPERATIONS: Final[Mapping[str, str]] = {
    "payment": "retrieve_payment_intent",
    "refund": "retrieve_refund",
    "payout": "retrieve_payout",
}


class LatestState:
    """Asks a client. ``timeout_seconds`` bounds it: the lease of the event runs meanwhile."""

    def __init__(self, client: Client, timeout_seconds: float) -> None:
        self._client, self._timeout = client, timeout_seconds

    def of(self, event: WebhookEvent, run_coroutine: RunCoroutine) -> WebhookEvent:
        """The event with the object's present state for its ``data``. Blocks."""
        if event.object_id is None:
            raise ValueError(f"latest=True: the {event.type} {event.id} does not say which object it is about")
        retrieve: Any = getattr(self._client, _OPERATIONS[canonical_type(event.type).partition(".")[0]])
        answer = retrieve(event.object_id, timeout=self._timeout)
        return event.with_data(run_coroutine(answer) if inspect.iscoroutine(answer) else answer)
