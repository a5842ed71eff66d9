# Generated from _journalling/awaited/finality.py by ci/generate_blocking.py: edit that file, not this one.
"""Waits until a payment, a refund or a payout is no longer on its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..._core.wire import Transport
from ...exceptions import JournalError, MolamTimeoutError, RequestValidationError, SentRequest
from .calls import JournalledCalls

ON_ITS_WAY: Final = {
    "pi_": ("retrieve_payment_intent", "/v1/connect/payment_intents/", frozenset({"processing"})),
    "re_": ("retrieve_refund", "/v1/connect/refunds/", frozenset({"pending"})),
    "po_": ("retrieve_payout", "/v1/connect/payouts/", frozenset({"pending"})),
}
"""By the beginning of an id: what reads it, and the statuses that Molam will change by itself."""
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 8.0
_LISTEN_EVERY: Final = 0.25

Sleep = Callable[[float], None]


def final(
    client: Any,
    object_id: str,
    timeout: float,
    transport: Transport,
    journal: JournalledCalls | None,
) -> Any:
    """The object, once its status is none of those; asked for at once when the journal hears an event about it."""
    clock, sleep = transport.clock, transport.sleep
    kind = ON_ITS_WAY.get(object_id[:3]) if isinstance(object_id, str) else None
    if kind is None:
        raise RequestValidationError(f"id must begin with one of {', '.join(ON_ITS_WAY)}, not {object_id!r}")
    name, path, on_its_way = kind
    deadline, pause = clock() + timeout, _FIRST_PAUSE
    listener = _Listener(journal, object_id)
    while True:
        listener.begin()
        found = getattr(client, name)(object_id, timeout=max(0.001, deadline - clock()))
        if found.status not in on_its_way:
            return found
        left = deadline - clock()
        if left <= pause:
            raise _not_yet(name, path, found, timeout)
        heard = listener.waited(pause, clock, sleep)
        pause = _FIRST_PAUSE if heard else min(pause * 2, _LONGEST_PAUSE)


class _Listener:
    """Whether an event about the object has come since it was last asked for; a journal that cannot be read says no."""

    def __init__(self, journal: JournalledCalls | None, object_id: str) -> None:
        self._journal = journal
        self._ask = getattr(journal and journal.store, "heard_at", None)
        self._id = object_id
        self._known: float | None = None

    def begin(self) -> None:
        """What was heard before the object is asked for tells nothing new."""
        self._known = self._heard_at()

    def waited(self, seconds: float, clock: Callable[[], float], sleep: Sleep) -> bool:
        """Wait so long, or until an event has come; whether one has."""
        if self._ask is None:
            sleep(seconds)
            return False
        end = clock() + seconds
        while (left := end - clock()) > 0:
            sleep(min(left, _LISTEN_EVERY))
            if self._heard_at() != self._known:
                return True
        return False

    def _heard_at(self) -> float | None:
        if self._journal is None or self._ask is None:
            return None
        try:
            heard: float | None = self._journal.ask(self._ask, self._id)
        except JournalError:
            return self._known
        return heard


def _not_yet(name: str, path: str, found: Any, timeout: float) -> MolamTimeoutError:
    error = MolamTimeoutError(f"{found.id} is still {found.status} after {timeout:g} s", outcome="unknown")
    error.operation, error.request_id = name, found.request_id
    error.request = SentRequest(name, "GET", path + found.id, None, None)
    return error
