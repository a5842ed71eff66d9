"""Idempotency: a POST is served once per key; the same request is answered again, another one refused."""

import json
from typing import NamedTuple

from starlette.responses import Response

from ..domain.clock import SandboxClock
from ..domain.refusal import RefusalError
from ..store.database import SandboxStore
from .exchange import Exchange, refuse, write_json

KEY_SECONDS = 24 * 3600.0
REPLAYED = {"Idempotent-Replayed": "true"}


class IdempotencyClaim(NamedTuple):
    """An idempotency key as one account uses it."""

    account: str
    idempotency_key: str


class IdempotencyKeys:
    """The keys whose first request still runs, and the stored answers of the others."""

    def __init__(self, store: SandboxStore, clock: SandboxClock) -> None:
        self._store, self._clock = store, clock
        self._in_progress: dict[IdempotencyClaim, str] = {}

    def stored_answer(self, exchange: Exchange, claim: IdempotencyClaim) -> Response | None:
        """The first answer to this key; None where there is none yet. Raises RefusalError 422 for another request."""
        with self._store.transaction() as tx:
            row = tx.stored_answer(*claim, self._clock.now() - KEY_SECONDS)
        if row is None:
            return None
        _check_same(row["fingerprint"], exchange)
        exchange.replayed = True
        exchange.object_id, exchange.order_id = row["object_id"], row["order_id"]
        stored = json.loads(row["answer"])
        if "refusal" in stored:
            return refuse(exchange, RefusalError(row["status"], **stored["refusal"], headers=REPLAYED))
        return write_json(exchange, row["status"], stored["body"], REPLAYED)

    def check_free(self, exchange: Exchange, claim: IdempotencyClaim) -> None:
        """Raise RefusalError 409 while the first request still runs, 422 if it is another one."""
        if claim in self._in_progress:
            _check_same(self._in_progress[claim], exchange)
            message = "The first request with this key still runs; try again."
            raise RefusalError(409, "idempotency_in_progress", message)

    def take(self, exchange: Exchange, claim: IdempotencyClaim) -> None:
        self._in_progress[claim] = exchange.fingerprint or ""

    def release(self, claim: IdempotencyClaim) -> None:
        del self._in_progress[claim]


def _check_same(first: str, exchange: Exchange) -> None:
    if first != exchange.fingerprint:
        message = "This idempotency key was used with another request."
        raise RefusalError(422, "idempotency_key_reused", message)
