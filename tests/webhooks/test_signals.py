"""What the receiver tells: counters, log lines, traces."""

from __future__ import annotations

import json
import logging

import pytest

from molam_sdk.contrib.webhooks import MemoryStore, WebhookReceiver
from molam_sdk.logging_setup import JsonFormatter
from tests.support.deliveries import NOW, PAYMENT, SECRET, SECRETS, body_of, delivery_of
from tests.support.shop import Shop


def test_every_delivery_is_counted_and_unknown_types_share_one_label(shop: Shop) -> None:
    shop.receiver.on("brand.*")(lambda event: None)
    assert shop.count("payment.succeeded", "handled") == 0
    shop.deliver()
    shop.deliver()
    shop.deliver("evt_2", "payment.intent.succeeded")
    for number in range(5):
        shop.deliver(f"evt_n{number}", f"brand.new_{number}")
    shop.receiver.receive({}, b"")
    assert shop.count("payment.succeeded", "handled") == 2
    assert shop.count("payment.succeeded", "duplicate") == 1
    assert shop.count("other", "handled") == 5
    assert shop.count("unverified", "invalid") == 1
    assert shop.registry.get_sample_value("molam_sdk_webhook_seconds_count", {"type": "payment.succeeded"}) == 3


def test_two_receivers_share_one_registry(shop: Shop) -> None:
    WebhookReceiver(SECRETS, MemoryStore(), registry=shop.registry, clock=lambda: NOW)
    WebhookReceiver(SECRETS, MemoryStore())
    WebhookReceiver(SECRETS, MemoryStore())


def test_a_log_line_names_the_event_and_the_trace_but_no_body_and_no_secret(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    body = body_of(data={**PAYMENT, "customer_id": "cus_private"})
    extra = {"Idempotency-Key": "del_1", "Traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    shop.failures = 1
    with caplog.at_level(logging.INFO, "molam_sdk.webhooks"):
        shop.receiver.receive(*delivery_of(body, headers=extra))
        shop.receiver.receive(*delivery_of(body, headers=extra))
        shop.receiver.receive({}, body)
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    facts = {"event_id": "evt_1", "event_type": "payment.succeeded", "delivery_id": "del_1", "trace_id": trace}
    assert [line["msg"] for line in lines] == ["webhook failed", "webhook handled", "webhook invalid"]
    assert [line["level"] for line in lines] == ["ERROR", "INFO", "WARNING"]
    assert all(facts.items() <= line.items() for line in lines[:2])
    assert "the shop's database is away" in lines[0]["exc"]
    assert lines[2]["reason"] == "Missing Molam-Signature header"
    assert "cus_private" not in str(lines)
    assert SECRET not in str(lines)


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
