"""The whole path of a delivery, without a framework: headers and raw body in, status and body out."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from ..exceptions import WebhookVerificationError
from ..store import Claim, SqliteStore, Store
from ..webhooks import MAX_PAYLOAD_BYTES, SecretSource, WebhookEvent, construct_event
from . import awaited, blocking
from .delivery import IncomingDelivery, WebhookAnswer
from .event_run import EventRun
from .headers import DeliveryHeaders, RawHeaders
from .metrics import DeliveryResult, logger, webhook_metrics_for
from .subscribers import Subscribers

_SIGNATURE: Final = "molam-signature"
_DAY: Final = 86_400.0
# Molam's first retry comes after a minute, give or take: the lease of a worker that died must have ended by then,
# or the event waits for the second retry, five minutes later.
_LEASE_SECONDS: Final = 45.0
_PRUNE_EVERY: Final = 3600.0
_LONGEST_ID: Final = 255


class _NotRunError(Exception):
    """Nothing of this delivery may run: the answer's result, and the reason that the sender is told."""

    def __init__(self, result: DeliveryResult, reason: str | None = None) -> None:
        super().__init__(reason)
        self.result: DeliveryResult = result
        self.reason = reason


class WebhookReceiver(Subscribers):
    """Takes deliveries: verifies, lets one worker at a time have an event, calls who registered for it.

    ``secrets`` as for ``construct_event``. ``store`` is shared by all workers; a path is a SQLite file there.
    ``lease_seconds`` must be longer than the slowest handler: a worker that dies leaves its event to others after
    that. ``retention_seconds`` must be longer than Molam retries (31 hours). ``skip_older`` answers 200, without
    running anything, to an event that was created before one already handled for the same object.
    ``registry`` takes the Prometheus series. ``clock`` gives Unix seconds.
    """

    def __init__(
        self,
        secrets: SecretSource,
        store: Store | str | Path = "molam_webhooks.sqlite3",
        *,
        tolerance_seconds: float = 300.0,
        lease_seconds: float = _LEASE_SECONDS,
        retention_seconds: float = 30 * _DAY,
        skip_older: bool = False,
        max_bytes: int = MAX_PAYLOAD_BYTES,
        registry: CollectorRegistry | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.max_bytes = max_bytes
        self.store: Store = SqliteStore(store) if isinstance(store, str | Path) else store
        self._secrets, self._tolerance = secrets, tolerance_seconds
        self._lease, self._retention, self._skip_older = lease_seconds, retention_seconds, skip_older
        self._metrics = webhook_metrics_for(registry)
        self._clock = clock
        self._prune_at = clock() + _PRUNE_EVERY

    def receive(self, headers: RawHeaders, body: bytes) -> WebhookAnswer:
        """Answer one delivery; blocks until its handlers are through. ``body`` is the raw body of the request.

        200: handled, or nothing to do. 400: signature or body are bad. 409: another worker has the event. 500: a
        handler or the store failed, or the body was read before it came here. Never raises because of a request.
        """
        delivery = self._delivery(headers)
        try:
            run = self._verified_run(delivery, body)
        except _NotRunError as error:
            return delivery.answer(error.result, error.reason)
        return self._serve(delivery, run)

    async def receive_async(
        self, headers: RawHeaders, body: bytes, *, in_thread: awaited.InThread = asyncio.to_thread
    ) -> WebhookAnswer:
        """As ``receive``: coroutine functions run on the loop, everything that blocks runs in a thread."""
        delivery = self._delivery(headers)
        try:
            run = self._verified_run(delivery, body)
        except _NotRunError as error:
            return delivery.answer(error.result, error.reason)
        if not run.has_coroutines:
            return await in_thread(self._serve, delivery, run)
        answer = await awaited.serve(delivery, run, awaited.Execution(in_thread))
        await in_thread(self._prune_if_due, answer)
        return answer

    def unreadable(self, reason: str) -> WebhookAnswer:
        """The answer where the raw body cannot be had. 500, so that Molam sends it again once this is corrected."""
        return self._delivery({}).answer("unreadable", reason)

    def prune(self) -> int:
        """Forget events older than the retention; how many. The receiver does it about once an hour by itself."""
        return self.store.prune(self._clock() - self._retention)

    def _delivery(self, headers: RawHeaders) -> IncomingDelivery:
        return IncomingDelivery(DeliveryHeaders(headers), self._metrics)

    def _verified_run(self, delivery: IncomingDelivery, body: bytes) -> EventRun:
        """The run of a delivery that Molam signed and somebody wants; else ``_NotRunError``."""
        if delivery.headers.content_length > self.max_bytes:
            raise _NotRunError("invalid", f"Invalid JSON payload: the body has more than {self.max_bytes} bytes")
        reason = delivery.headers.why_not_raw(body)
        if reason is not None:
            raise _NotRunError("unreadable", reason)
        try:
            event = self._event(delivery.headers, body)
        except WebhookVerificationError as error:
            raise _NotRunError("invalid", str(error)) from error
        delivery.event = event
        subscribers = self.subscribers_of(event.type)
        # No row for what nobody wants: an endpoint that is sent everything would fill the store for nothing.
        if not subscribers:
            raise _NotRunError("ignored")
        return EventRun(
            self.store, self._claim(event), event, subscribers, clock=self._clock, lease_seconds=self._lease
        )

    def _event(self, headers: DeliveryHeaders, body: bytes) -> WebhookEvent:
        event = construct_event(
            body,
            headers.all(_SIGNATURE),
            self._secrets,
            self._tolerance,
            now=self._clock(),
            max_bytes=self.max_bytes,
        )
        if not event.id or not event.type or max(len(event.id), len(event.type)) > _LONGEST_ID:
            raise WebhookVerificationError("Invalid JSON payload: the event has no usable id and type")
        return event

    def _claim(self, event: WebhookEvent) -> Claim:
        created = event.created
        ordered = self._skip_older and created is not None
        return Claim(
            event.id,
            event.type,
            uuid.uuid4().hex,
            event.object_id if ordered else None,
            created.timestamp() if created is not None else 0.0,
        )

    def _serve(self, delivery: IncomingDelivery, run: EventRun) -> WebhookAnswer:
        answer = blocking.serve(delivery, run, blocking.Execution())
        self._prune_if_due(answer)
        return answer

    def _prune_if_due(self, answer: WebhookAnswer) -> None:
        if answer.result != "handled" or self._clock() < self._prune_at:
            return
        self._prune_at = self._clock() + _PRUNE_EVERY
        try:
            self.prune()
        except Exception:  # noqa: BLE001  # the event is handled: old rows can wait
            logger.exception("webhook events not pruned")
