"""The whole path of a delivery, without a framework: headers and raw body in, status and body out."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from prometheus_client import CollectorRegistry

from .._frames import without_values
from ..store import AsyncStore, Claim, SqliteStore, Store
from ..webhooks import MAX_PAYLOAD_BYTES, SecretSource, WebhookEvent
from ..webhooks.signature import check_tolerance, raw_body
from . import blocking
from .answers import NotRunError
from .delivery import IncomingDelivery, WebhookAnswer
from .event_run import EventRun
from .headers import DeliveryHeaders, RawHeaders
from .inbox import (
    MAX_ATTEMPTS,
    AsyncInboxWorker,
    InboxWorker,
    InboxWorkers,
    inbox_metrics_for,
    keep,
    with_inbox,
)
from .intake import Intake
from .latest import Client, LatestState
from .listening import JournalListener
from .lookups import InThread
from .metrics import webhook_metrics_for
from .missed import Backfills, MissedEvents
from .occurrences import occurrence_of
from .pruning import Pruning
from .serving import InSteps, InThreads, Serving
from .settings import Later, check_number, check_parts, check_process, keeps_order
from .subscribers import Subscribers
from .threads import InFlight, ReceiverThreads

if TYPE_CHECKING:
    from .._journalling.opening import JournalSource

_DAY: Final = 86_400.0
# Molam's first retry comes after a minute, give or take: the lease of a worker that died must have ended by then,
# or the event waits for the second retry, five minutes later.
_LEASE_SECONDS: Final = 45.0
_STEP_THREADS: Final = 4
_LATEST_SECONDS: Final = 10.0


class WebhookReceiver(Subscribers, Backfills):
    """Takes deliveries: verifies, lets one worker at a time have an event, calls who registered for it.

    ``secrets`` as for ``construct_event``. ``store`` is shared by all workers; a path is a SQLite file there.
    ``client`` is asked for objects where a handler wants their ``latest`` state. ``livemode``, if given, is the only
    mode whose events run; an event that does not say its mode does.

    ``lease_seconds`` must be longer than the slowest handler: a worker that dies leaves its event to others after
    that. ``retention_seconds`` must be longer than Molam retries (31 hours). ``in_order`` lets one event of an object
    run at a time, and an older one that failed before a newer one; none is dropped. ``process="later"`` stores events
    and answers at once: ``work`` runs them, each up to ``max_attempts`` times. ``workers`` is the threads in which
    ``receive_async`` runs plain handlers, ``max_in_flight`` the deliveries at a time beyond which the answer is 503.
    ``registry`` takes the Prometheus series. ``clock`` gives Unix seconds.

    A journal in the store's own database is told of every event in the transaction that marks it; ``journal`` names one
    elsewhere, as for a client.
    """

    def __init__(
        self,
        secrets: SecretSource,
        store: Store | AsyncStore | str | Path = "molam_webhooks.sqlite3",
        *,
        client: Client | None = None,
        journal: JournalSource | None = None,
        livemode: bool | None = None,
        tolerance_seconds: float = 300.0,
        lease_seconds: float = _LEASE_SECONDS,
        retention_seconds: float = 30 * _DAY,
        in_order: bool = False,
        skip_older: bool = False,
        process: Literal["now", "later"] = "now",
        max_attempts: int = MAX_ATTEMPTS,
        workers: int = 8,
        max_in_flight: int = 32,
        max_bytes: int = MAX_PAYLOAD_BYTES,
        registry: CollectorRegistry | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(has_client=client is not None)
        check_parts(secrets, store, client, livemode, clock)
        check_tolerance(tolerance_seconds)
        check_number("lease_seconds", lease_seconds)
        check_number("retention_seconds", retention_seconds)
        for name, number in (
            ("workers", workers),
            ("max_in_flight", max_in_flight),
            ("max_bytes", max_bytes),
            ("max_attempts", max_attempts),
        ):
            check_number(name, number, whole=True)
        self.max_bytes = max_bytes
        self.store = SqliteStore(store) if isinstance(store, str | Path) else store
        self._in_steps: Store = self.store.in_steps if isinstance(self.store, AsyncStore) else self.store
        self._lease = lease_seconds
        self._in_order = keeps_order(in_order, skip_older)
        self._process = check_process(process)
        if process == "later":
            with_inbox(self.store)
            inbox_metrics_for(registry).watch(with_inbox(self._in_steps), clock)
        self._intake = Intake(
            secrets, tolerance_seconds=tolerance_seconds, max_bytes=max_bytes, livemode=livemode, clock=clock
        )
        self._latest = None if client is None else LatestState(client, min(_LATEST_SECONDS, lease_seconds / 2))
        self._listener = JournalListener(self.store, journal)
        self._metrics = webhook_metrics_for(registry)
        self._clock = clock
        self._in_flight = InFlight(max_in_flight)
        self._workers = ReceiverThreads(workers, "molam-webhooks")
        self._steps = ReceiverThreads(_STEP_THREADS, "molam-webhooks-store")
        self._lookups = ReceiverThreads(_STEP_THREADS, "molam-webhooks-secrets")
        self._pruning = Pruning(self.store, self._steps, retention_seconds=retention_seconds, clock=clock)
        self._inbox_workers = InboxWorkers(
            self.store,
            self._workers,
            subscribers_of=self.subscribers_of,
            clock=clock,
            lease_seconds=lease_seconds,
            max_attempts=max_attempts,
            latest=self._latest,
            metrics=self._metrics,
            inbox_metrics=partial(inbox_metrics_for, registry),
        )
        self._missed = MissedEvents(
            self._in_steps,
            self.subscribers_of,
            self._run_of,
            self._kept if process == "later" else None,
            livemode=livemode,
            metrics=self._metrics,
            serving=self._serving,
        )

    @without_values
    def receive(self, headers: RawHeaders, body: bytes, *, later: Later | None = None) -> WebhookAnswer:
        """Answer one delivery; blocks until its handlers are through. ``body`` is the raw body of the request.

        The table in docs/webhooks.md says which answer is for what. Never raises because of a request. ``later`` is
        called with a function that is to run once the answer was sent; without it, that runs in a thread. With a store
        for event loops everything runs on the one loop that this process has for what blocks.
        """
        if isinstance(self.store, AsyncStore):
            return blocking.run_coroutine(self.receive_async(headers, body))
        delivery = self._delivery(headers)
        try:
            with self._in_flight.room():
                event = self._intake.take(delivery.headers, body)
                if self._process == "later":
                    return self._kept(delivery, event, body)
                if not self.subscribers_of(event.type):
                    return self._ignored(delivery, event)
                answer = blocking.serve(delivery, self._run_of(delivery, event), blocking.Execution())
        except NotRunError as error:
            return _not_run(delivery, error)
        self._pruning.run_if_due(answer.result, later)
        return answer

    @without_values
    async def receive_async(
        self, headers: RawHeaders, body: bytes, *, in_thread: InThread | None = None, later: Later | None = None
    ) -> WebhookAnswer:
        """As ``receive``: what is awaited runs on the loop, everything that blocks in threads of the receiver's own.

        ``in_thread`` replaces those: it runs a blocking function away from the loop. With a store for event loops only
        plain handlers and look-ups of secrets are in threads.
        """
        delivery = self._delivery(headers)
        try:
            with self._in_flight.room():
                event = await self._intake.take_awaited(delivery.headers, body, in_thread or self._lookups)
                serving = self._serving(in_thread)
                if self._process == "later":
                    return await serving.in_step(self._kept, delivery, event, body)
                if not self.subscribers_of(event.type):
                    return await self._ignored_awaited(delivery, event, serving)
                answer = await serving.serve(delivery, self._run_of(delivery, event))
        except NotRunError as error:
            return _not_run(delivery, error)
        self._pruning.run_if_due(answer.result, later)
        return answer

    def unreadable(self, reason: str, headers: RawHeaders | None = None) -> WebhookAnswer:
        """The answer where the raw body cannot be had. 500, so that Molam sends it again once this is corrected.

        With the request's ``headers``, one that cannot be Molam's is a 400.
        """
        delivery = self._delivery({} if headers is None else headers)
        stranger = None if headers is None else self._intake.why_unreadable(delivery.headers)
        return delivery.answer("unreadable", reason) if stranger is None else _not_run(delivery, stranger)

    def hung_up(self, headers: RawHeaders) -> WebhookAnswer:
        """The answer, which nobody hears, to a request that broke off."""
        return self._delivery(headers).answer("hung_up", "The sender was gone before its body was whole.")

    def knows_any_secret(self) -> bool:
        """Whether there is a secret to verify with; a callable is asked for kid ``v1``."""
        return self._intake.knows_any_secret()

    def prune(self) -> int:
        """Forget events older than the retention; how many. The receiver does it about once an hour by itself."""
        if isinstance(self.store, AsyncStore):
            return blocking.run_coroutine(self.prune_async())
        return self._pruning.run()

    async def prune_async(self) -> int:
        """As ``prune``, on an event loop."""
        return await self._pruning.run_awaited()

    def worker(self, *, threads: int = 4, poll_seconds: float = 1.0) -> InboxWorker:
        """Who works on what ``process="later"`` has stored: so many events at a time, looking every ``poll_seconds``.

        ``ValueError`` where the store has no inbox.
        """
        check_number("threads", threads, whole=True)
        check_number("poll_seconds", poll_seconds)
        return self._inbox_workers.in_threads(threads, poll_seconds, self.prune)

    def async_worker(self, *, tasks: int = 4, poll_seconds: float = 1.0) -> AsyncInboxWorker:
        """As ``worker``, in tasks of the running event loop; ``ValueError`` unless the store is one for event loops."""
        check_number("tasks", tasks, whole=True)
        check_number("poll_seconds", poll_seconds)
        return self._inbox_workers.in_tasks(tasks, poll_seconds, self.prune_async)

    def work(self, *, threads: int = 4) -> int:
        """Work on stored events until SIGTERM or Ctrl-C, in a process of its own; how many were run."""
        return self.worker(threads=threads).run_until_signal()

    def close(self, timeout_seconds: float = 30.0) -> bool:
        """Take no more deliveries (503: Molam sends them again) and wait for those that run; whether all ended."""
        self._in_flight.close()
        ended = self._in_flight.wait_until_none(timeout_seconds)
        if ended:
            for threads in (self._workers, self._steps, self._lookups):
                threads.close()
        return ended

    async def close_async(self, timeout_seconds: float = 30.0) -> bool:
        """As ``close``, on an event loop, which goes on meanwhile."""
        ended = await asyncio.to_thread(self.close, timeout_seconds)
        return await self._pruning.wait_until_none(timeout_seconds) and ended

    def _delivery(self, headers: RawHeaders) -> IncomingDelivery:
        return IncomingDelivery(DeliveryHeaders(headers), self._metrics)

    def _serving(self, in_thread: InThread | None = None) -> Serving:
        if isinstance(self.store, AsyncStore):
            return InSteps(self.store, in_thread or self._workers)
        return InThreads(in_thread or self._workers, in_thread or self._steps)

    def _run_of(self, delivery: IncomingDelivery, event: WebhookEvent) -> EventRun:
        """The run of an event that somebody wants."""
        delivery.event = event
        return EventRun(
            self._in_steps,
            self._claim(event),
            event,
            self.subscribers_of(event.type),
            clock=self._clock,
            lease_seconds=self._lease,
            latest=self._latest,
            listener=self._listener,
        )

    def _ignored(self, delivery: IncomingDelivery, event: WebhookEvent) -> WebhookAnswer:
        """The answer to an event that nobody wants, and that has no row: an endpoint that is sent everything would fill
        the store for nothing. The journal hears of it all the same."""
        delivery.event = event
        try:
            self._listener.hear(event)
        except Exception as error:  # noqa: BLE001  # whatever a store raises, the sender gets an answer
            return delivery.answer("store_error", error=error)
        return delivery.answer("ignored")

    async def _ignored_awaited(
        self, delivery: IncomingDelivery, event: WebhookEvent, serving: Serving
    ) -> WebhookAnswer:
        if self._listener.listens:
            return await serving.in_step(self._ignored, delivery, event)
        return self._ignored(delivery, event)

    def _kept(self, delivery: IncomingDelivery, event: WebhookEvent, body: bytes) -> WebhookAnswer:
        """The answer to an event that is stored for a worker."""
        delivery.event = event
        if not self.subscribers_of(event.type):
            return self._ignored(delivery, event)
        inbox, now = with_inbox(self.store).inbox, self._clock()
        return keep(inbox, delivery, self._claim(event), raw_body(body, None), now, listener=self._listener)

    def _claim(self, event: WebhookEvent) -> Claim:
        created = event.created
        ordered = self._in_order and created is not None
        return Claim(
            event.id,
            event.type,
            uuid.uuid4().hex,
            event.object_id if ordered else None,
            created.timestamp() if created is not None else 0.0,
            occurrence=occurrence_of(event),
        )


def _not_run(delivery: IncomingDelivery, error: NotRunError) -> WebhookAnswer:
    cause = error.__cause__
    return delivery.answer(error.result, error.reason, error=cause if isinstance(cause, Exception) else None)
