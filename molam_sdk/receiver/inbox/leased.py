"""An event that its worker has leased already, as a run of it sees the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...store import Claim, ClaimResult
from ...store.events import EventClaims
from ...store.inbox import InboxEvent


class LeasedEvent:
    """The store of one leased event. What is given back is only noted: the worker says when it is tried again."""

    def __init__(self, store: EventClaims, event: InboxEvent) -> None:
        self.transactional = store.transactional
        self.finished = event.finished
        self.unmarked: Claim | None = None
        self._store = store
        self._in_transaction = False

    def claim(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        newest = self._store.newest_of(claim) if claim.object_id is not None else None
        return ClaimResult("run", finished=self.finished, newest=newest)

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        if not lease_until:
            self.finished = tuple(finished)
            return True
        return self._store.renew(claim, lease_until, finished)

    def done(self, claim: Claim, now: float) -> bool:
        """Where nothing can be undone any more, ``unmarked`` says that the mark is still to be made."""
        try:
            return self._store.done(claim, now)
        except Exception:
            if not self._in_transaction:
                self.unmarked = claim
            raise

    def prune(self, before: float) -> int:
        return 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._in_transaction = True
        try:
            with self._store.transaction():
                yield
        finally:
            self._in_transaction = False
