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
from ..webhooks import MAX_PAYLOAD_BYTES, SecretSource, WebhookEvent, construct_event
from ._claims import Claim, Store
from ._delivery import Delivery, WebhookAnswer
from ._headers import Headers, RequestHeaders
from ._signals import logger, metrics_for
from ._sqlite import SqliteStore
from ._subscribers import Subscribers
from ._turn import InThread, LeaseLostError, Turn

SIGNATURE: Final = "molam-signature"
DAY: Final = 86_400.0
# Molam's first retry comes after a minute, give or take: the lease of a worker that died must have ended by then,
# or the event waits for the second retry, five minutes later.
LEASE_SECONDS: Final = 45.0
_PRUNE_EVERY: Final = 3600.0
_LONGEST_ID: Final = 255


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
        lease_seconds: float = LEASE_SECONDS,
        retention_seconds: float = 30 * DAY,
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
        self._metrics = metrics_for(registry)
        self._clock = clock
        self._prune_at = clock() + _PRUNE_EVERY

    def receive(self, headers: Headers, body: bytes) -> WebhookAnswer:
        """Answer one delivery; blocks until its handlers are through. ``body`` is the raw body of the request.

        200: handled, or nothing to do. 400: signature or body are bad. 409: another worker has the event. 500: a
        handler or the store failed, or the body was read before it came here. Never raises because of a request.
        """
        opened = self._open(headers, body)
        return opened if isinstance(opened, WebhookAnswer) else self._serve(*opened)

    async def receive_async(
        self, headers: Headers, body: bytes, *, in_thread: InThread = asyncio.to_thread
    ) -> WebhookAnswer:
        """As ``receive``: coroutine functions run on the loop, everything that blocks runs in a thread."""
        opened = self._open(headers, body)
        if isinstance(opened, WebhookAnswer):
            return opened
        delivery, turn = opened
        if not turn.needs_loop:
            return await in_thread(self._serve, delivery, turn)
        return await self._serve_async(delivery, turn, in_thread)

    def unreadable(self, reason: str) -> WebhookAnswer:
        """The answer where the raw body is not to be had. 500, so that Molam sends it again once this is mended."""
        return Delivery(RequestHeaders({}), self._metrics).answer("unreadable", reason)

    def prune(self) -> int:
        """Forget events older than the retention; how many. The receiver does it about once an hour by itself."""
        return self.store.prune(self._clock() - self._retention)

    def _open(self, headers: Headers, body: bytes) -> WebhookAnswer | tuple[Delivery, Turn]:
        delivery = Delivery(RequestHeaders(headers), self._metrics)
        if delivery.headers.content_length > self.max_bytes:
            return delivery.answer("invalid", f"Invalid JSON payload: the body has more than {self.max_bytes} bytes")
        reason = delivery.headers.why_not_raw(body)
        if reason is not None:
            return delivery.answer("unreadable", reason)
        try:
            event = self._event(delivery.headers, body)
        except WebhookVerificationError as error:
            return delivery.answer("invalid", str(error))
        delivery.event = event
        subscribers = self.subscribers_of(event.type)
        # No row for what nobody wants: an endpoint that is sent everything would fill the store for nothing.
        if not subscribers:
            return delivery.answer("ignored")
        turn = Turn(self.store, self._claim(event), event, subscribers, clock=self._clock, lease_seconds=self._lease)
        return delivery, turn

    def _event(self, headers: RequestHeaders, body: bytes) -> WebhookEvent:
        event = construct_event(
            body,
            headers.all(SIGNATURE),
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

    def _serve(self, delivery: Delivery, turn: Turn) -> WebhookAnswer:
        try:
            grant = turn.take()
        except Exception as error:  # noqa: BLE001  # whatever a store raises, the sender gets an answer
            return delivery.answer("store_error", error=error)
        if grant.verdict != "run":
            return delivery.refusal(grant)
        try:
            with delivery.traced():
                turn.run()
        except LeaseLostError:
            return delivery.answer("lost")
        except Exception as error:  # noqa: BLE001  # whatever a handler raises, the event is given back
            turn.release()
            return delivery.answer("failed", error=error)
        except BaseException:
            turn.release()
            raise
        self._prune_if_due()
        return delivery.answer("handled")

    async def _serve_async(self, delivery: Delivery, turn: Turn, in_thread: InThread) -> WebhookAnswer:
        try:
            grant = await in_thread(turn.take)
        except Exception as error:  # noqa: BLE001  # whatever a store raises, the sender gets an answer
            return delivery.answer("store_error", error=error)
        if grant.verdict != "run":
            return delivery.refusal(grant)
        try:
            with delivery.traced():
                await turn.run_async(in_thread)
        except LeaseLostError:
            return delivery.answer("lost")
        except Exception as error:  # noqa: BLE001  # as above
            await in_thread(turn.release)
            return delivery.answer("failed", error=error)
        except BaseException:
            await in_thread(turn.release)
            raise
        await in_thread(self._prune_if_due)
        return delivery.answer("handled")

    def _prune_if_due(self) -> None:
        if self._clock() < self._prune_at:
            return
        self._prune_at = self._clock() + _PRUNE_EVERY
        try:
            self.prune()
        except Exception:  # noqa: BLE001  # the event is handled: old rows can wait
            logger.exception("webhook events not pruned")
