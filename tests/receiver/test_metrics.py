"""The receiver's series."""

from __future__ import annotations

import pytest

from molam_sdk.receiver import WebhookReceiver
from molam_sdk.receiver.answers import ANSWERS, BY_REFUSAL, DeliveryResult
from molam_sdk.store import MemoryStore
from tests.support.webhooks.deliveries import NOW, SECRETS
from tests.support.webhooks.shop import Shop


def test_every_delivery_is_counted_and_unknown_types_share_one_label(shop: Shop) -> None:
    shop.receiver.on("brand.*", unknown_types=True)(lambda event: None)
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


@pytest.mark.parametrize("result", ["handled", "duplicate", "failed"])
def test_a_result_that_an_alert_watches_stands_at_0_from_the_start(shop: Shop, result: str) -> None:
    types = ("payment.succeeded", "refund.failed", "payout.paid", "dispute.created")
    assert [shop.count(event_type, result) for event_type in types] == [0, 0, 0, 0]


@pytest.mark.parametrize("result", [*BY_REFUSAL.values(), "unknown_kid"])
def test_deliveries_that_cannot_be_believed_stand_at_0_from_the_start(shop: Shop, result: str) -> None:
    assert shop.count("unverified", result) == 0


@pytest.mark.parametrize("result", ANSWERS)
def test_every_result_stands_at_0_somewhere_from_the_start(shop: Shop, result: DeliveryResult) -> None:
    types = ("payment.succeeded", "other", "unverified")
    assert 0 in [shop.count(event_type, result) for event_type in types]


def test_the_buckets_reach_from_1_ms_to_half_a_minute(shop: Shop) -> None:
    shop.deliver()
    bounds = [
        sample.labels["le"]
        for family in shop.registry.collect()
        for sample in family.samples
        if sample.name == "molam_sdk_webhook_seconds_bucket"
    ]
    assert bounds == "0.001 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1.0 2.5 5.0 10.0 30.0 +Inf".split()
