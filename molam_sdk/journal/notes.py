"""Who asks, and in which trace: what the journal writes beside a call, if it is given."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple

from ..exceptions import RequestValidationError

_LONGEST: Final = 255


class Notes(NamedTuple):
    """The notes in force."""

    actor: str | None = None
    trace_id: str | None = None


_NONE: Final = Notes()
_notes: ContextVar[Notes] = ContextVar("molam_journal_notes", default=_NONE)


@contextmanager
def noting(*, actor: str | None = None, trace_id: str | None = None) -> Iterator[None]:
    """Have the calls made inside the block written down with who asked for them, and in which trace.

    Without ``trace_id`` it is that of OpenTelemetry's current span, where there is one.
    """
    before = _notes.get()
    given = Notes(_checked("actor", actor) or before.actor, _checked("trace_id", trace_id) or before.trace_id)
    token = _notes.set(given)
    try:
        yield
    finally:
        _notes.reset(token)


def notes() -> Notes:
    """The notes in force here."""
    found = _notes.get()
    return found if found.trace_id is not None else found._replace(trace_id=_current_trace_id())


def _checked(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST or not value.isprintable():
        raise RequestValidationError(f"{name} must be printable text of 1 to {_LONGEST} characters")
    return value


def _current_trace_id() -> str | None:
    """That of OpenTelemetry, where the program has loaded it."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None
