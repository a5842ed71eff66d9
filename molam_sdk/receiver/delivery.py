"""One delivery and its answer: status, body, one log line, one count."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from ..store import ClaimDecision, ClaimResult
from ..webhooks import WebhookEvent
from .headers import DeliveryHeaders
from .metrics import DeliveryResult, WebhookMetrics, logger
from .tracing import span, trace_id


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What to answer. ``result`` is what became of the delivery; ``body`` is JSON."""

    status: int
    result: DeliveryResult
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


# What Molam is told: any 2xx ends a delivery, another 4xx than 409 gives it up, the rest is sent again.
_STATUS: Final[Mapping[DeliveryResult, int]] = {
    "handled": 200,
    "duplicate": 200,
    "stale": 200,
    "ignored": 200,
    "invalid": 400,
    "busy": 409,
    "lost": 409,
    "failed": 500,
    "store_error": 500,
    "unreadable": 500,
}
_LEVELS: Final = {200: logging.INFO, 400: logging.WARNING, 409: logging.INFO, 500: logging.ERROR}
_NOT_RUN: Final[Mapping[ClaimDecision, DeliveryResult]] = {"duplicate": "duplicate", "stale": "stale", "busy": "busy"}


class IncomingDelivery:
    """A delivery under way; ``event`` is None until its signature was found good."""

    def __init__(self, headers: DeliveryHeaders, metrics: WebhookMetrics) -> None:
        self.headers = headers
        self.event: WebhookEvent | None = None
        self._metrics = metrics
        self._began = time.perf_counter()

    def traced(self) -> AbstractContextManager[None]:
        """A span around the handlers, in the delivery's own trace."""
        return span(self.headers, self.event) if self.event is not None else nullcontext()

    def not_run(self, claimed: ClaimResult) -> WebhookAnswer:
        """Answer a delivery whose event may not be run now."""
        return self.answer(_NOT_RUN[claimed.decision], retry_after=claimed.retry_after)

    def answer(
        self,
        result: DeliveryResult,
        reason: str | None = None,
        *,
        error: Exception | None = None,
        retry_after: float = 1.0,
    ) -> WebhookAnswer:
        """Count, log and build the answer. ``reason`` is shown to the sender; ``error`` only to the log."""
        seconds = time.perf_counter() - self._began
        status = _STATUS[result]
        self._metrics.count(self.event.type if self.event is not None else None, result, seconds)
        self._log(_LEVELS[status], result, reason, error, seconds)
        content = {"result": result} if reason is None else {"result": result, "error": reason}
        headers = {"Content-Type": "application/json"}
        if status == 409:
            headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
        return WebhookAnswer(status, result, json.dumps(content).encode(), headers)

    def _log(
        self, level: int, result: DeliveryResult, reason: str | None, error: Exception | None, seconds: float
    ) -> None:
        if not logger.isEnabledFor(level):
            return
        facts: dict[str, Any] = {
            "event_id": self.event.id if self.event is not None else None,
            "event_type": self.event.type if self.event is not None else None,
            "delivery_id": self.headers.first("idempotency-key"),
            "trace_id": trace_id(self.headers),
            "result": result,
            "reason": reason,
            "duration_ms": round(seconds * 1000, 3),
        }
        extra = {name: value for name, value in facts.items() if value is not None}
        logger.log(level, f"webhook {result}", extra=extra, exc_info=error)
