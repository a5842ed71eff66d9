"""The trace that a call belongs to, where the process has OpenTelemetry loaded; nothing is imported for it."""

from __future__ import annotations

import sys

from ._interruption import raised_from_outside


def trace_id() -> str | None:
    """The id of the trace that is open here, as W3C Trace Context writes it; None outside of any."""
    # molam_sdk.otel knows the span of the call itself, which nothing else may be around.
    tracing = sys.modules.get("molam_sdk.otel") or sys.modules.get("opentelemetry.trace")
    if tracing is None:
        return None
    try:
        found: int = tracing.get_current_span().get_span_context().trace_id
        return f"{found:032x}" if found else None
    except Exception as problem:  # a tracer that fails costs the id, not the line
        if raised_from_outside(problem):
            raise
        return None
