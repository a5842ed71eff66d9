"""The trace of a call stands in its line where there is one, and nothing is loaded to find out."""

from __future__ import annotations

import logging
import subprocess
import sys
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamSyncClient
from molam_sdk._trace_id import trace_id
from molam_sdk.testing import ScriptedTransport
from tests.support.script import OK

ORDER = {"amount": 100.5, "currency": "USD"}


def client_of(*observers: object) -> MolamSyncClient:
    config = ClientConfig(api_key="sk_live_1")
    return MolamSyncClient(
        config,
        transport=ScriptedTransport(OK),
        registry=CollectorRegistry(),
        observers=observers,  # type: ignore[arg-type]
    )


def traces(caplog: pytest.LogCaptureFixture) -> list[str | None]:
    return [vars(record).get("trace_id") for record in caplog.records if record.name == "molam_sdk"]


def test_a_line_names_the_trace_that_the_shop_has_open(caplog: pytest.LogCaptureFixture) -> None:
    tracing = pytest.importorskip("opentelemetry.sdk.trace", reason="the extra otel is not installed")
    caplog.set_level(logging.INFO, "molam_sdk")
    with tracing.TracerProvider().get_tracer("shop").start_as_current_span("checkout") as span:
        client_of().create_payment_intent(ORDER)
    client_of().create_payment_intent(ORDER)
    expected = f"{span.get_span_context().trace_id:032x}"
    assert traces(caplog) == [expected, None]
    assert caplog.records[0].getMessage().endswith(f" trace_id={expected}")


def test_a_line_names_the_trace_that_the_call_begins_itself(caplog: pytest.LogCaptureFixture) -> None:
    tracing = pytest.importorskip("opentelemetry.sdk.trace", reason="the extra otel is not installed")
    from molam_sdk.otel import TraceObserver

    caplog.set_level(logging.INFO, "molam_sdk")
    client = client_of(TraceObserver(tracing.TracerProvider()))
    client.create_payment_intent(ORDER)
    transport = client._state.transport
    assert isinstance(transport, ScriptedTransport)
    assert traces(caplog) == [transport.requests[0].headers["traceparent"].split("-")[1]]


def test_a_tracer_that_fails_costs_the_id_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "molam_sdk.otel", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", SimpleNamespace())  # type: ignore[arg-type]
    assert trace_id() is None


def test_an_interruption_goes_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "molam_sdk.otel", raising=False)
    fake = SimpleNamespace(get_current_span=interrupted)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", fake)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        trace_id()


def test_a_call_loads_no_opentelemetry() -> None:
    program = (
        "import logging, sys; logging.basicConfig(level='INFO'); from molam_sdk import ClientConfig, MolamSyncClient; "
        "from molam_sdk.testing import ScriptedTransport, reply; "
        "c = MolamSyncClient(ClientConfig(api_key='sk_live_1'), transport=ScriptedTransport(reply(200, {})));"
        "c.get('/v1/x'); print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"
    assert "INFO:molam_sdk:call get" in ran.stderr
