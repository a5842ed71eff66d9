"""One event at one worker: claimed, run, settled. What may not happen twice is held here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ..store import Claim, ClaimResult, Store
from ..webhooks import WebhookEvent
from .metrics import logger
from .subscribers import Subscriber


class LeaseLostError(Exception):
    """The lease ran out while the handlers ran, and another worker took the event."""


class EventRun:
    """An event, the handlers it still has to go to, and its claim in the store. Every method may block."""

    def __init__(
        self,
        store: Store,
        claim: Claim,
        event: WebhookEvent,
        subscribers: Sequence[Subscriber],
        *,
        clock: Callable[[], float],
        lease_seconds: float,
    ) -> None:
        self.event = event
        self.pending = tuple(subscribers)
        self._store, self._claim = store, claim
        self._clock, self._lease = clock, lease_seconds
        self._finished: tuple[str, ...] = ()
        self._in_transaction = False

    @property
    def has_coroutines(self) -> bool:
        """Whether a handler is a coroutine function."""
        return any(subscriber.is_async for subscriber in self.pending)

    def claim(self) -> ClaimResult:
        """Claim the event; what finished in an earlier run will not run again."""
        now = self._clock()
        result = self._store.claim(self._claim, now, now + self._lease)
        self._finished = result.finished
        self.pending = tuple(each for each in self.pending if each.name not in result.finished)
        return result

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The store's transaction, if it has one: what handlers write and the mark are committed together or not."""
        self._in_transaction = self._store.transactional
        with self._store.transaction():
            yield

    def note_finished(self, subscriber: Subscriber) -> None:
        """Remember a handler that ran and renew the lease; ``LeaseLostError`` if another worker has the event."""
        # In a transaction all of them count or none; after the last one comes the mark, which says it all.
        if self._in_transaction:
            return
        self._finished = (*self._finished, subscriber.name)
        if subscriber is self.pending[-1]:
            return
        if not self._store.renew(self._claim, self._clock() + self._lease, self._finished):
            raise LeaseLostError

    def mark_done(self) -> None:
        """Mark the event handled for good; ``LeaseLostError`` undoes what a transaction can undo."""
        try:
            marked = self._store.done(self._claim, self._clock())
        except Exception:
            if self._in_transaction:
                raise
            # What cannot be undone has happened: a store that fails now must not make Molam send the event again.
            logger.exception("webhook handled but not marked", extra={"event_id": self._claim.event_id})
            return
        if not marked:
            raise LeaseLostError

    def release(self) -> None:
        """Give the event back, so that the next delivery runs it at once instead of after the lease."""
        try:
            self._store.renew(self._claim, 0.0, self._finished)
        except Exception:  # noqa: BLE001  # the lease will end by itself
            logger.exception("webhook not given back", extra={"event_id": self._claim.event_id})
