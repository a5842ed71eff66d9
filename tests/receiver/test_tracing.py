"""The trace that a delivery belongs to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.webhooks.deliveries import body_of, delivery_of
from tests.support.webhooks.shop import Shop

ROOT = Path(__file__).parents[2]


def test_the_trace_of_the_delivery_goes_on_in_the_handler(shop: Shop) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    headers = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    shop.receiver.receive(*delivery_of(body_of(), headers=headers))
    (span,) = [span for span in exporter.get_finished_spans() if span.name == "molam.webhook payment.succeeded"]
    assert span.context is not None
    assert span.parent is not None
    assert span.attributes is not None
    assert f"{span.context.trace_id:032x}" == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert span.attributes["molam.event_id"] == "evt_1"


def test_without_opentelemetry_a_delivery_is_handled_all_the_same() -> None:
    program = """if True:
        import sys
        sys.modules["opentelemetry"] = None
        from tests.support.webhooks.shop import Shop
        shop = Shop()
        shop.receiver.on("payment.succeeded")(shop.fulfil)
        assert shop.deliver().result == "handled"
        assert shop.seen == ["evt_1"]
    """
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
