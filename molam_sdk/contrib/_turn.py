"""One event's turn at one worker: claim it, call who wants it, settle it. What may not happen twice is held here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from ..webhooks import WebhookEvent
from ._claims import Claim, Grant, Store
from ._signals import logger
from ._subscribers import Subscriber

T = TypeVar("T")


class InThread(Protocol):
    """Runs a blocking function away from the event loop, as ``asyncio.to_thread`` does."""

    def __call__(self, function: Callable[..., T], /, *args: Any) -> Awaitable[T]: ...


class LeaseLostError(Exception):
    """The lease ran out while the handlers ran, and another worker took the event."""


class Turn:
    """Claims an event and runs its subscribers, in the store's transaction where there is one to share."""

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
        self._store, self._claim, self._event = store, claim, event
        self._pending = list(subscribers)
        self._finished: tuple[str, ...] = ()
        self._clock, self._lease = clock, lease_seconds

    @property
    def needs_loop(self) -> bool:
        """Whether a subscriber is a coroutine function."""
        return any(subscriber.is_async for subscriber in self._pending)

    def take(self) -> Grant:
        """Claim the event; what finished in an earlier turn will not run again."""
        now = self._clock()
        grant = self._store.claim(self._claim, now, now + self._lease)
        self._finished = grant.finished
        self._pending = [subscriber for subscriber in self._pending if subscriber.name not in grant.finished]
        return grant

    def run(self) -> None:
        """Run the subscribers and mark the event done; ``LeaseLostError`` undoes what a transaction can undo."""
        if not self._store.transactional:
            for subscriber in self._pending:
                self._call(subscriber)
                self._note(subscriber)
            self._mark_after_the_fact()
            return
        # The mark is the last write: if another worker has the event by now, the handlers' writes are undone.
        with self._store.transaction():
            for subscriber in self._pending:
                self._call(subscriber)
            self._mark()

    async def run_async(self, in_thread: InThread) -> None:
        """As ``run``, for coroutine functions. They run on the loop, so no transaction is shared with them."""
        for subscriber in self._pending:
            if subscriber.is_async:
                await subscriber.call(self._event)
            else:
                await in_thread(subscriber.call, self._event)
            await in_thread(self._note, subscriber)
        await in_thread(self._mark_after_the_fact)

    def release(self) -> None:
        """Give the event back, so that the next delivery runs it at once instead of after the lease."""
        try:
            self._store.renew(self._claim, 0.0, self._finished)
        except Exception:  # noqa: BLE001  # the lease will end by itself
            logger.exception("webhook not given back", extra={"event_id": self._claim.event_id})

    def _call(self, subscriber: Subscriber) -> None:
        if subscriber.is_async:
            asyncio.run(subscriber.call(self._event))
        else:
            subscriber.call(self._event)

    def _note(self, subscriber: Subscriber) -> None:
        self._finished = (*self._finished, subscriber.name)
        # After the last one comes the mark, which says it all.
        if subscriber is self._pending[-1]:
            return
        if not self._store.renew(self._claim, self._clock() + self._lease, self._finished):
            raise LeaseLostError

    def _mark(self) -> None:
        if not self._store.done(self._claim, self._clock()):
            raise LeaseLostError

    def _mark_after_the_fact(self) -> None:
        """Mark done what cannot be undone: a store that fails now must not make Molam send the event again."""
        try:
            self._mark()
        except LeaseLostError:
            raise
        except Exception:  # noqa: BLE001  # see above
            logger.exception("webhook handled but not marked", extra={"event_id": self._claim.event_id})
