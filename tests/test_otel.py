"""Each call is one client span, and Molam gets to see its trace."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from molam_sdk import ClientConfig, DeclinedError, MolamClient
from molam_sdk.otel import TraceObserver
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.script import OK, TIMEOUT, error_reply


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def client_of(transport: ScriptedTransport, spans: InMemorySpanExporter) -> tuple[MolamClient, TracerProvider]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    config = ClientConfig(api_key="sk_live_1", retry_backoff_factor=0)
    return MolamClient(config, transport=transport, observers=[TraceObserver(provider)]), provider


def test_a_call_is_a_client_span_and_its_trace_goes_along(spans: InMemorySpanExporter) -> None:
    transport = ScriptedTransport(TIMEOUT, OK)
    client, provider = client_of(transport, spans)
    with provider.get_tracer("shop").start_as_current_span("checkout"):
        client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="order-7")
    call, checkout = spans.get_finished_spans()
    assert (call.name, call.kind) == ("molam create_payment_intent", trace.SpanKind.CLIENT)
    assert call.parent is not None
    assert checkout.context is not None
    assert call.parent.span_id == checkout.context.span_id
    assert call.context is not None
    (sent,) = {request.headers["traceparent"] for request in transport.requests}
    assert sent.startswith(f"00-{call.context.trace_id:032x}-{call.context.span_id:016x}-")
    assert dict(call.attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "molam.operation": "create_payment_intent",
        "molam.idempotency_key": "order-7",
        "molam.code": "200",
        "molam.attempts": 2,
        "molam.replayed": False,
        "molam.request_id": "req_ok",
    }


def test_a_failure_is_on_the_span(spans: InMemorySpanExporter) -> None:
    client, _ = client_of(ScriptedTransport(error_reply(402)), spans)
    with pytest.raises(DeclinedError):
        client.confirm_payment_intent("pi_1")
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "DeclinedError"
    assert (span.attributes or {})["molam.outcome"] == "rejected"


def test_calls_one_after_the_other_have_spans_of_their_own(spans: InMemorySpanExporter) -> None:
    client, _ = client_of(ScriptedTransport(OK, OK), spans)
    client.retrieve_payment_intent("pi_1")
    client.retrieve_payment_intent("pi_1")
    assert len({span.context.span_id for span in spans.get_finished_spans() if span.context}) == 2


def test_spans_that_are_open_together_each_end() -> None:
    outer, inner = InMemorySpanExporter(), InMemorySpanExporter()
    observers = []
    for exporter in (outer, inner):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        observers.append(TraceObserver(provider))
    config = ClientConfig(api_key="sk_live_1")
    MolamClient(config, transport=ScriptedTransport(OK), observers=observers).retrieve_payment_intent("pi_1")
    assert (len(outer.get_finished_spans()), len(inner.get_finished_spans())) == (1, 1)


def test_an_end_without_a_beginning_is_nothing(spans: InMemorySpanExporter) -> None:
    from molam_sdk._core.record import CallRecord

    record = CallRecord("x", "other", "GET", "200", None, 1, (), 0.1, None, None, False, None)
    TraceObserver(TracerProvider()).call_ended(record)
    assert spans.get_finished_spans() == ()


def test_without_the_extra_the_error_names_it() -> None:
    program = "import sys; sys.modules['opentelemetry'] = None; import molam_sdk; import molam_sdk.otel"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert "pip install 'molam-python-sdk[otel]'" in ran.stderr


class Watcher(SpanProcessor):
    """Knows every span that began, and keeps none alive."""

    def __init__(self) -> None:
        self.begun: list[weakref.ref[object]] = []

    def on_start(self, span: object, parent_context: object = None) -> None:
        self.begun.append(weakref.ref(span))


def test_the_span_of_a_call_that_ended_is_kept_by_nobody() -> None:
    watcher, provider = Watcher(), TracerProvider()
    provider.add_span_processor(watcher)
    answer = reply(200, {"id": "pi_1", "status": "succeeded", "amount": 100, "currency": "XOF"})
    config = ClientConfig(api_key="sk_live_1")
    client = MolamClient(config, transport=ScriptedTransport(answer, answer), observers=[TraceObserver(provider)])
    client.retrieve_payment_intent("pi_1")
    client.retrieve_payment_intent("pi_1")
    gc.collect()
    assert [span() for span in watcher.begun] == [None, None]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("order-4242424242424242", "order-***REDACTED***"),
        ("4242 4242 4242 4242", "424242******4242"),
        ("sk_live_CANARYcanary01", "***REDACTED***"),
        ("9f1c2d3e-0000-4000-8000-1234567890ab", "9f1c2d3e-0000-4000-8000-1234567890ab"),
    ],
)
def test_what_must_not_be_shown_is_on_no_span_as_an_id_either(
    given: str, shown: str, spans: InMemorySpanExporter
) -> None:
    intent = {"id": "pi_1", "status": "succeeded", "amount": 5, "currency": "USD"}
    answer = reply(201, intent, {"X-Molam-Request-Id": given})
    client, _ = client_of(ScriptedTransport(answer), spans)
    client.create_payment_intent({"amount": 5, "currency": "USD"}, idempotency_key=given)
    (span,) = spans.get_finished_spans()
    attributes = dict(span.attributes or {})
    assert (attributes["molam.idempotency_key"], attributes["molam.request_id"]) == (shown, shown)
