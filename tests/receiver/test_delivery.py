"""The line that a delivery leaves in the log."""

from __future__ import annotations

import json
import logging

import pytest

from molam_sdk.logging_setup import JsonFormatter
from tests.support.webhooks.deliveries import PAYMENT, SECRET, body_of, delivery_of
from tests.support.webhooks.shop import Shop


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
