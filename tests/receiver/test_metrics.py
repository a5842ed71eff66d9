"""The receiver's series."""

from __future__ import annotations

from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store import MemoryStore
from tests.support.webhooks.deliveries import NOW, SECRETS
from tests.support.webhooks.shop import Shop


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
