"""One stored event at one worker: run by the plan that deliveries follow, then done, to be tried again, or given up."""

from __future__ import annotations

import logging
import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from typing import Final

from ..._facts_line import say
from ..._interruption import raised_from_outside
from ..._thread_end import let_go_here
from ...store import Claim
from ...store.events import EventClaims
from ...store.inbox import InboxEvent
from ...webhooks import WebhookEvent
from ...webhooks.event import parse_event
from .. import blocking
from ..delivery import IncomingDelivery
from ..event_run import EventRun
from ..headers import DeliveryHeaders
from ..latest import LatestState
from ..metrics import WebhookMetrics, logger
from ..subscribers import Subscriber
from .attempts import pause_after
from .leased import LeasedEvent
from .metrics import InboxMetrics

_DIED: Final = "No error was left: a worker ended in the middle of each try (killed, out of memory, power)."
_NOBODY: Final = "Nobody registered for {} in this worker: is its code the receiver's?"
_MARK_EVERY: Final = 1.0


class OneEvent:
    """Runs stored events, one at a time in each thread."""

    def __init__(
        self,
        store: EventClaims,
        subscribers_of: Callable[[str], Sequence[Subscriber]],
        *,
        clock: Callable[[], float],
        lease_seconds: float,
        max_attempts: int,
        latest: LatestState | None,
        metrics: WebhookMetrics,
        inbox_metrics: InboxMetrics,
        execution: blocking.Execution,
    ) -> None:
        self._store, self._inbox, self._subscribers_of = store, store.inbox, subscribers_of
        self._clock, self._lease, self._max_attempts, self._latest = clock, lease_seconds, max_attempts, latest
        self._metrics, self._inbox_metrics = metrics, inbox_metrics
        self._execution = execution

    def run_next(self) -> bool:
        """Take the next event that is due, if there is one, and run it; as ``run``."""
        token = uuid.uuid4().hex
        stored = self._inbox.take(token, self._clock(), self._lease)
        if stored is not None:
            self.run(stored, token)
        return stored is not None

    def show_figures(self) -> None:
        """Have the metrics show how the inbox stands."""
        self._inbox_metrics.show(self._inbox.figures(self._clock()))

    def leave_thread(self) -> None:
        """Called by a thread that ends."""
        let_go_here(self._store)

    def run(self, stored: InboxEvent, token: str) -> None:
        """Run it and settle it. Raises what came from outside (a time limit, Ctrl-C) once the event is settled."""
        leased = LeasedEvent(self._store, stored)
        problem: BaseException | None = None
        if stored.attempts > self._max_attempts:
            error: str | None = stored.last_error or _DIED
        else:
            try:
                error = self._error_of(stored, token, leased)
            except BaseException as raised:  # noqa: BLE001  # raised again below, once the event is settled
                problem, error = raised, _traceback(raised)
        if error is not None:
            self._settle(stored, token, error, leased.finished)
        if problem is not None and raised_from_outside(problem):
            raise problem

    def _error_of(self, stored: InboxEvent, token: str, leased: LeasedEvent) -> str | None:
        """Why the run failed; None if it is settled (handled, or another worker has it)."""
        event = parse_event(stored.body or b"")
        event.id = stored.event_id
        subscribers = self._subscribers_of(event.type)
        if not subscribers:
            return _NOBODY.format(event.type)
        delivery = IncomingDelivery(DeliveryHeaders(stored.headers), self._metrics)
        delivery.event = event
        answer = blocking.serve(delivery, self._run_of(stored, token, leased, event, subscribers), self._execution)
        if delivery.error is not None:
            raise delivery.error
        if leased.unmarked is not None:
            self._mark_late(leased.unmarked)
        lag = self._clock() - stored.created if answer.result == "handled" and stored.created else None
        self._inbox_metrics.attempt(answer.result, lag)
        return None

    def _run_of(
        self,
        stored: InboxEvent,
        token: str,
        leased: LeasedEvent,
        event: WebhookEvent,
        subscribers: Sequence[Subscriber],
    ) -> EventRun:
        return EventRun(
            leased,
            _claim(stored, token),
            event,
            subscribers,
            clock=self._clock,
            lease_seconds=self._lease,
            latest=self._latest,
        )

    def _mark_late(self, claim: Claim) -> None:
        """Every handler ran, and nothing of it can be undone: the mark is tried for as long as the lease holds."""
        give_up = time.monotonic() + self._lease
        while time.monotonic() < give_up:
            try:
                self._store.done(claim, self._clock())
            except Exception:  # noqa: BLE001  # the store is away: a worker that goes on without the mark runs it twice
                self._execution.calls.blocking(time.sleep, _MARK_EVERY)
            else:
                return
        say(logger, logging.ERROR, "webhook handled but not marked: it will run again", {"event_id": claim.event_id})

    def _settle(self, stored: InboxEvent, token: str, error: str, finished: Sequence[str]) -> None:
        """Have a failed event tried again, or give it up."""
        over = stored.attempts >= self._max_attempts
        now = self._clock()
        if over:
            kept = self._inbox.bury(stored, token, now, error=error, finished=finished)
            facts = {"event_id": stored.event_id, "attempts": stored.attempts}
            say(logger, logging.ERROR, "webhook given up", facts)
        else:
            pause = pause_after(stored.attempts)
            kept = self._inbox.fail(stored, token, now, pause=pause, error=error, finished=finished)
        self._inbox_metrics.attempt("lost" if not kept else "dead" if over else "failed")


def _claim(stored: InboxEvent, token: str) -> Claim:
    object_id = stored.object_id if stored.in_order else None
    return Claim(stored.event_id, stored.event_type, token, object_id, stored.created)


def _traceback(problem: BaseException) -> str:
    return "".join(traceback.format_exception(problem))
