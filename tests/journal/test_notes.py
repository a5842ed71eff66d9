"""Who asks, and in which trace."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from molam_sdk import RequestValidationError
from molam_sdk.journal import noting
from molam_sdk.journal.notes import notes


def test_what_is_noted_holds_inside_the_block_and_inside_others() -> None:
    with noting(actor="user:7", trace_id="t"):
        with noting(actor="user:8"):
            assert notes() == ("user:8", "t")
        assert notes() == ("user:7", "t")
    assert notes().actor is None


def test_a_thread_of_its_own_knows_nothing_of_it() -> None:
    found = []
    with noting(actor="user:7"):
        thread = threading.Thread(target=lambda: found.append(notes().actor))
        thread.start()
        thread.join()
    assert found == [None]


@pytest.mark.parametrize("wrong", ["", "x" * 256, "a\nb", 5, "\ud800"])
def test_what_no_column_can_hold_is_refused(wrong: Any) -> None:
    for name in ("actor", "trace_id"):
        with pytest.raises(RequestValidationError, match=name), noting(**{name: wrong}):
            pass


def test_the_trace_is_that_of_the_span_around_it() -> None:
    tracer = TracerProvider().get_tracer("shop")
    with tracer.start_as_current_span("checkout") as span:
        assert notes().trace_id == format(span.get_span_context().trace_id, "032x")
        with noting(trace_id="mine"):
            assert notes().trace_id == "mine"
    assert trace.get_current_span().get_span_context().is_valid is False
    assert notes().trace_id is None
