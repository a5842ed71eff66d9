"""One delivery and its answer: status, body, one log line, one count."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from .._facts_line import say
from .._frames import empty_frames
from ..store import ClaimResult
from ..webhooks import WebhookEvent
from .answers import ANSWERS, DeliveryResult
from .headers import DeliveryHeaders
from .metrics import WebhookMetrics, logger
from .tracing import span, trace_id_in


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What to answer. ``result`` is what became of the delivery; ``body`` is JSON."""

    status: int
    result: DeliveryResult
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class IncomingDelivery:
    """A delivery under way, or a stored event at its worker, where nobody waits for the answer.

    ``event`` is None until its signature was found good; ``error`` is what a handler or the store raised.
    """

    def __init__(self, headers: DeliveryHeaders, metrics: WebhookMetrics) -> None:
        self.headers = headers
        self.event: WebhookEvent | None = None
        self.error: Exception | None = None
        self._metrics = metrics
        self._began = time.perf_counter()

    def traced(self) -> AbstractContextManager[None]:
        """A span around the handlers, in the delivery's own trace."""
        return span(self.headers, self.event) if self.event is not None else nullcontext()

    def not_run(self, claimed: ClaimResult) -> WebhookAnswer:
        """Answer a delivery whose event may not be run now."""
        if claimed.decision == "duplicate":
            return self.answer("duplicate")
        return self.answer("busy", retry_after=claimed.retry_after)

    def answer(
        self,
        result: DeliveryResult,
        reason: str | None = None,
        *,
        error: Exception | None = None,
        retry_after: float | None = None,
    ) -> WebhookAnswer:
        """Count, log and build the answer. ``reason`` is shown to the sender; ``error`` only to the log."""
        self.error = error
        if error is not None:
            empty_frames(error)  # of the event; the handler's own are the merchant's
        seconds = time.perf_counter() - self._began
        rule = ANSWERS[result]
        self._metrics.count(self.event.type if self.event is not None else None, result, seconds)
        self._log(rule.level, result, reason, error, seconds)
        content = {"result": result} if reason is None else {"result": result, "error": reason}
        headers = {"Content-Type": "application/json"}
        if rule.retry_after is not None:
            pause = rule.retry_after if retry_after is None else retry_after
            headers["Retry-After"] = str(max(1, math.ceil(pause)))
        return WebhookAnswer(rule.status, result, json.dumps(content).encode(), headers)

    def _log(
        self, level: int, result: DeliveryResult, reason: str | None, error: Exception | None, seconds: float
    ) -> None:
        if not logger.isEnabledFor(level):
            return
        facts: dict[str, Any] = {
            "event_id": self.event.id if self.event is not None else None,
            "event_type": self.event.type if self.event is not None else None,
            "delivery_id": self.headers.first("idempotency-key"),
            "trace_id": trace_id_in(self.headers),
            "result": result,
            "reason": reason,
            "duration_ms": round(seconds * 1000, 3),
        }
        extra = {name: value for name, value in facts.items() if value is not None}
        say(logger, level, f"webhook {result}", extra, error=error)
