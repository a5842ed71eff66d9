"""A store in this process's memory: for tests, and for one process that may forget."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from .claims import NO_OTHERS, Claim, ClaimResult, SameObject, StoredEvent, claim_as_held, decide


@dataclass(frozen=True, slots=True)
class _Held:
    claim: Claim
    stored: StoredEvent
    first_seen: float
    touched: float


class MemoryStore:
    """Claims in a dict. Other processes do not see them, and they end with this one: not for production."""

    transactional = False

    def __init__(self) -> None:
        self._events: dict[str, _Held] = {}
        self._ids: dict[str, str] = {}  # by occurrence
        self._lock = threading.Lock()

    def claim(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        with self._lock:
            asked, claim = claim, self._as_held(claim)
            held = self._events.get(claim.event_id)
            result = decide(claim, held.stored if held else None, self._others(claim), now)
            if result.decision == "run":
                stored = StoredEvent(False, lease_until, result.finished)
                self._events[claim.event_id] = _Held(claim, stored, held.first_seen if held else now, now)
                self._ids.setdefault(claim.occurrence or claim.event_id, claim.event_id)
            return result if claim.event_id == asked.event_id else replace(result, event_id=claim.event_id)

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
                held = self._events.pop(key)
                self._ids.pop(held.claim.occurrence or key, None)
            return len(old)

    def remembers_since(self) -> float | None:
        """As of the stores in a database."""
        with self._lock:
            return min((held.touched for held in self._events.values() if held.stored.done), default=None)

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _as_held(self, claim: Claim) -> Claim:
        """The claim under the id by which the occurrence is held, if it is."""
        held_under = self._ids.get(claim.occurrence or claim.event_id, claim.event_id)
        known = claim.event_id in self._events or held_under == claim.event_id
        return claim if known else claim_as_held(claim, held_under)

    def _settle(self, claim: Claim, stored: StoredEvent, touched: float | None) -> bool:
        held = self._events.get(claim.event_id)
        if held is None or held.claim.token != claim.token or held.stored.done:
            return False
        touched = held.touched if touched is None else touched
        self._events[claim.event_id] = replace(held, stored=stored, touched=touched)
        return True

    def _others(self, claim: Claim) -> SameObject:
        if claim.object_id is None:
            return NO_OTHERS
        others = [
            held
            for held in self._events.values()
            if held.claim.object_id == claim.object_id and held.claim.event_id != claim.event_id
        ]
        undone = [held for held in others if not held.stored.done]
        return SameObject(
            max((held.claim.created for held in others if held.stored.done), default=None),
            max((held.stored.lease_until for held in undone), default=None),
            min((held.first_seen for held in undone if held.claim.created < claim.created), default=None),
        )
