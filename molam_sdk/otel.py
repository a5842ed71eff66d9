"""OpenTelemetry: the observer that makes each call a client span, and has its trace continue at Molam."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING

from ._core.record import CallRecord, CallStart
from .exceptions import ConfigurationError
from .redaction import sanitize_sensitive_data

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

try:
    from opentelemetry import propagate, trace
except ImportError as missing:
    raise ConfigurationError("traces need: pip install 'molam-python-sdk[otel]'") from missing

_Open = tuple["Span", Token["_Open | None"]]

# A call begins and ends in one context (a thread, a task), so the span that is open there is its own.
_open: ContextVar[_Open | None] = ContextVar("molam_sdk_open_span", default=None)


class TraceObserver:
    """One CLIENT span per call, ``molam <operation>``; pass it in a client's ``observers``.

    Retries are an attribute, not spans of their own. The trace goes along in the fields of the configured
    propagator (``traceparent``). Nothing of a body is in it; a card number or a key that was taken for an idempotency
    key is shown as in the log.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("molam_sdk", tracer_provider=tracer_provider)

    def call_started(self, start: CallStart) -> Mapping[str, str]:
        span = self._tracer.start_span(f"molam {start.operation}", kind=trace.SpanKind.CLIENT)
        span.set_attribute("http.request.method", start.method)
        span.set_attribute("molam.operation", start.operation)
        if start.idempotency_key is not None and span.is_recording():
            span.set_attribute("molam.idempotency_key", _redacted("idempotency_key", start.idempotency_key))
        before = _open.set(None)
        _open.set((span, before))
        headers: dict[str, str] = {}
        propagate.inject(headers, context=trace.set_span_in_context(span))
        return headers

    def call_ended(self, record: CallRecord) -> None:
        opened = _open.get()
        if opened is None:
            return
        span, token = opened
        _open.reset(token)
        if span.is_recording():
            span.set_attributes(_attributes(record))
        if record.error is not None:
            span.set_status(trace.StatusCode.ERROR, f"{record.code} {record.outcome}")
        span.end()


def get_current_span() -> Span:
    """The span of the call that is under way here, or whatever span is open."""
    opened = _open.get()
    return trace.get_current_span() if opened is None else opened[0]


def _attributes(record: CallRecord) -> dict[str, str | int | bool]:
    attributes: dict[str, str | int | bool] = {
        "molam.code": record.code,
        "molam.attempts": record.attempts,
        "molam.replayed": record.replayed,
    }
    if record.code.isdigit():
        attributes["http.response.status_code"] = int(record.code)
    if record.request_id is not None:
        attributes["molam.request_id"] = _redacted("request_id", record.request_id)
    if record.error is not None:
        attributes["error.type"] = record.error
    if record.outcome is not None:
        attributes["molam.outcome"] = record.outcome
    if record.decline_reason is not None:
        attributes["molam.decline_reason"] = record.decline_reason
    return attributes


def _redacted(name: str, value: str) -> str:
    """As the log shows it."""
    return str(sanitize_sensitive_data({name: value})[name])
