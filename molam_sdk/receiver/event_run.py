"""One event at one worker: claimed, run, settled. What may not happen twice is held here."""

from __future__ import annotations

import contextlib
import inspect
import logging
import time
import types
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final, TypeVar

from .._facts_line import say
from ..store import Claim, ClaimResult, Store
from ..store.claims import is_late
from ..store.database import NoConnectionError
from ..webhooks import WebhookEvent
from .answers import DeliveryResult
from .handler_calls import HandlerCalls, away_from_loop
from .latest import LatestState
from .listening import JournalListener
from .metrics import logger
from .subscribers import Subscriber

T = TypeVar("T")
_NEAR_THE_LEASE: Final = 0.8
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
PATIENCE_SECONDS = 10.0
"""How long a store that is away is waited for where handlers ran: a restart, or a failover to another server."""
_LAZY: Final = (
    types.GeneratorType,
    types.AsyncGeneratorType,
    map,
    filter,
    # Of a function under @contextmanager: its body runs when it is entered.
    contextlib._GeneratorContextManager,  # pyright: ignore[reportPrivateUsage]
    contextlib._AsyncGeneratorContextManager,  # pyright: ignore[reportPrivateUsage]
)


class LeaseLostError(Exception):
    """The lease ran out while the handlers ran, and another worker took the event."""


class StoreFailedError(Exception):
    """The store could not be asked for the event; its cause is what the store raised."""


def result_of(error: Exception) -> DeliveryResult:
    """What becomes of a delivery whose run raised this."""
    failed = error.__cause__ if isinstance(error, StoreFailedError) else error
    if isinstance(failed, NoConnectionError):
        return "store_full"
    return "store_error" if isinstance(error, StoreFailedError) else "failed"


class EventRun:
    """An event, the handlers it still has to go to, and its claim in the store.

    The one plan, in a thread as on an event loop: handlers in the store's transaction, then those that wanted to run
    after it, then what is still to be awaited: coroutine functions, where the store's transaction belongs to a thread.
    ``begin`` does all but the last; every method may block.
    """

    def __init__(
        self,
        store: Store,
        claim: Claim,
        event: WebhookEvent,
        subscribers: Sequence[Subscriber],
        *,
        clock: Callable[[], float],
        lease_seconds: float,
        latest: LatestState | None = None,
        listener: JournalListener | None = None,
    ) -> None:
        self.event = event
        self.to_await: list[tuple[Subscriber, Any]] = []
        self._pending = tuple(subscribers)
        self._store, self._claim, self._latest_state = store, claim, latest
        self._listener = listener if listener is not None and listener.listens else None
        self._clock, self._lease, self._leased_at = clock, lease_seconds, 0.0
        self._finished: tuple[str, ...] = ()
        self._latest: WebhookEvent | None = None
        self._calls: HandlerCalls

    def begin(self, calls: HandlerCalls) -> ClaimResult:
        """Claim the event and run what ``calls`` can run at once; marks it done where ``to_await`` stays empty."""
        self._calls = calls
        result = self._claimed()
        if result.decision != "run":
            return result
        self._tell_another_database()
        if any(subscriber.latest for subscriber in self._pending) and self._latest_state is not None:
            self._latest = calls.blocking(self._latest_state.of, self.event, calls.run_coroutine)
        at_once = [each for each in self._pending if calls.awaits_at_once or not each.is_async]
        inside = [each for each in at_once if not each.after_commit]
        afterwards = [each for each in at_once if each.after_commit]
        coroutines = [each for each in self._pending if each not in at_once]
        last = not afterwards and not coroutines
        if inside or last:
            self._run_in_transaction(inside, last)
        for subscriber in afterwards:
            if self._ran(subscriber):
                self.note_finished(subscriber)
        self.to_await.extend((subscriber, None) for subscriber in coroutines)
        if not last and not self.to_await:
            self.mark_done()
        return result

    @property
    def only_claims(self) -> bool:
        """Whether ``begin`` does no more than to claim the event: a step of the store, which no handler makes long."""
        return all(subscriber.is_async and not subscriber.latest for subscriber in self._pending)

    def event_for(self, subscriber: Subscriber) -> WebhookEvent:
        """What a handler is given."""
        return self._latest if subscriber.latest and self._latest is not None else self.event

    def note_finished(self, subscriber: Subscriber) -> None:
        """Remember a handler that ran and renew the lease; ``LeaseLostError`` if another worker has the event."""
        self._watch_the_lease(subscriber)
        self._finished = (*self._finished, subscriber.name)
        # After the last one comes the mark, which says it all.
        if not set(self._finished).issuperset(each.name for each in self._pending):
            _patiently(self._renew)

    def mark_done(self) -> None:
        """Mark the event handled for good, once nothing can be undone any more."""
        try:
            marked = _patiently(self._marked)
        except Exception:  # noqa: BLE001
            # What cannot be undone has happened: a store that fails now must not make Molam send the event again.
            _say_failed("webhook handled but not marked", self._claim)
            return
        if not marked:
            raise LeaseLostError

    def give_back(self) -> None:
        """Give the event back, so that the next delivery runs it at once instead of after the lease."""
        for _, awaitable in self.to_await:
            if inspect.iscoroutine(awaitable):
                awaitable.close()
        self.to_await.clear()
        try:
            self._store.renew(self._claim, 0.0, self._finished)
        except Exception:  # noqa: BLE001  # the lease will end by itself
            _say_failed("webhook not given back", self._claim)

    def _claimed(self) -> ClaimResult:
        now = self._leased_at = self._clock()
        try:
            result = self._store.claim(self._claim, now, now + self._lease)
        except Exception as error:
            raise StoreFailedError from error
        self._finished = result.finished
        self._claim = replace(self._claim, newest=result.newest)
        if result.event_id is not None:
            # As the store has it, so that what handlers do elsewhere under its id is done once.
            self._claim = replace(self._claim, event_id=result.event_id)
            self.event.id = result.event_id
        self.event.late = is_late(self._claim, result.newest)
        self._pending = tuple(each for each in self._pending if each.name not in result.finished)
        return result

    def _run_in_transaction(self, inside: Sequence[Subscriber], last: bool) -> None:
        """What these handlers write and the note of it are committed together or not at all, if the store can."""
        if not self._store.transactional:
            self._run_one_by_one(inside, last)
            return
        before = self._finished
        try:
            with self._store.transaction():
                finished = [each for each in inside if self._ran(each)]
                for subscriber in finished:
                    self._watch_the_lease(subscriber)
                self._finished = (*before, *(each.name for each in finished))
                if last and not self.to_await:
                    self._mark_in_transaction()
                else:
                    self._renew()
        except BaseException:
            self._finished = before
            raise

    def _run_one_by_one(self, inside: Sequence[Subscriber], last: bool) -> None:
        for subscriber in inside:
            if self._ran(subscriber):
                self.note_finished(subscriber)
        if last and not self.to_await:
            self.mark_done()

    def _mark_in_transaction(self) -> None:
        # The last write: if another worker has the event by now, what the handlers wrote is undone.
        if not self._marked():
            raise LeaseLostError

    def _marked(self) -> bool:
        """Whether the event was marked, and what it settles in a journal of the same database with it."""
        listener = self._listener
        if listener is None or not listener.shares_the_store:
            return self._store.done(self._claim, self._clock())
        with listener.transaction():
            listener.hear(self.event)
            return self._store.done(self._claim, self._clock())

    def _tell_another_database(self) -> None:
        """A journal elsewhere hears of the event before its handlers run: their transaction may hold the same file."""
        if self._listener is None or self._listener.shares_the_store:
            return
        try:
            self._listener.hear(self.event)
        except Exception as error:
            self.give_back()
            raise StoreFailedError from error

    def _renew(self) -> None:
        now = self._clock()
        if not self._store.renew(self._claim, now + self._lease, self._finished):
            raise LeaseLostError
        self._leased_at = now

    def _ran(self, subscriber: Subscriber) -> bool:
        """Call a handler; False if there is something to await, which is kept for later."""
        event = self.event_for(subscriber)
        returned = subscriber.call(event) if subscriber.is_async else self._calls.blocking(_called, subscriber, event)
        if not inspect.isawaitable(returned):
            return True
        if self._calls.awaits_at_once:
            self._calls.wait_for(returned)
            return True
        self.to_await.append((subscriber, returned))
        return False

    def _watch_the_lease(self, subscriber: Subscriber) -> None:
        seconds = self._clock() - self._leased_at
        if seconds <= _NEAR_THE_LEASE * self._lease:
            return
        facts = {"event_id": self.event.id, "handler": subscriber.name, "seconds": round(seconds, 3)}
        say(logger, logging.WARNING, "webhook took most of its lease", {**facts, "lease_seconds": self._lease})


def _patiently(step: Callable[[], T]) -> T:
    """A step that tells of what cannot be undone: tried again where the store is away, or its connection was cut."""
    give_up, pause = time.monotonic() + PATIENCE_SECONDS, _FIRST_PAUSE
    while True:
        try:
            return step()
        except LeaseLostError:
            raise
        except Exception:
            if time.monotonic() + pause >= give_up:
                raise
        away_from_loop(time.sleep)(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _called(subscriber: Subscriber, event: WebhookEvent) -> Any:
    """What a plain handler returned, and is to be awaited; its end where it gave that to a thread."""
    returned = subscriber.call(event)
    if isinstance(returned, Future):
        returned.result()
    if isinstance(returned, _LAZY):
        raise TypeError(f"{subscriber.name} returned a {type(returned).__name__}: nothing of it has run")
    return returned


def _say_failed(said: str, claim: Claim) -> None:
    say(logger, logging.ERROR, said, {"event_id": claim.event_id}, error=True, frames=2)
