"""A store in this process's memory: for tests, and for one process that may forget."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from .claims import Claim, ClaimResult, StoredEvent, decide


@dataclass(frozen=True, slots=True)
class _Held:
    claim: Claim
    stored: StoredEvent
    touched: float


class MemoryStore:
    """Claims in a dict. Other processes do not see them, and they end with this one: not for production."""

    transactional = False

    def __init__(self) -> None:
        self._events: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def claim(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        with self._lock:
            held = self._events.get(claim.event_id)
            result = decide(claim, held.stored if held else None, self._newest(claim.object_id), now)
            if result.decision == "run":
                self._events[claim.event_id] = _Held(claim, StoredEvent(False, lease_until, result.finished), now)
            return result

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        with self._lock:
            return self._settle(claim, StoredEvent(False, lease_until, tuple(finished)), None)

    def done(self, claim: Claim, now: float) -> bool:
        with self._lock:
            return self._settle(claim, StoredEvent(True, 0.0), now)

    def prune(self, before: float) -> int:
        with self._lock:
            old = [key for key, held in self._events.items() if max(held.touched, held.stored.lease_until) < before]
            for key in old:
                del self._events[key]
            return len(old)

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _settle(self, claim: Claim, stored: StoredEvent, touched: float | None) -> bool:
        held = self._events.get(claim.event_id)
        if held is None or held.claim.token != claim.token or held.stored.done:
            return False
        touched = held.touched if touched is None else touched
        self._events[claim.event_id] = replace(held, stored=stored, touched=touched)
        return True

    def _newest(self, object_id: str | None) -> float | None:
        if object_id is None:
            return None
        of_object = (h for h in self._events.values() if h.stored.done and h.claim.object_id == object_id)
        return max((held.claim.created for held in of_object), default=None)
