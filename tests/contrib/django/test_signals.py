"""Webhook events as signals, in the transaction that marks the event done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from molam_sdk.store import Claim
from molam_sdk.webhooks import PaymentEvent, PayoutEvent
from tests.support.webhooks.django_project import configure, migrated
from tests.support.webhooks.shop import Shop, told

configure()

from molam_sdk.contrib.django.models import ClaimedEvent  # noqa: E402
from molam_sdk.contrib.django.signals import send_signals, webhook_event  # noqa: E402
from molam_sdk.contrib.django.store import DjangoStore  # noqa: E402


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    with migrated():
        yield


def test_a_signal_is_sent_by_the_class_of_the_event_and_a_failure_undoes_what_was_written() -> None:
    shop = Shop(DjangoStore(clock="caller"))
    send_signals(shop.receiver)
    heard: list[str] = []
    fails = True

    def write(sender: Any, event: PaymentEvent, **rest: Any) -> None:
        order = Claim(f"order of {event.id}", "order", "shop")
        ClaimedEvent.objects.create(
            key=order.event_id,
            event_id=order.event_id,
            event_type="order",
            created=0,
            token="t",
            lease_until=0,
            touched=0,
        )
        if fails:
            raise RuntimeError

    def hear(sender: Any, event: Any, **rest: Any) -> None:
        heard.append(f"{sender.__name__} {event.id}")

    webhook_event.connect(write, sender=PaymentEvent)
    webhook_event.connect(hear)
    try:
        assert told(shop.deliver()) == (500, "failed")
        assert not ClaimedEvent.objects.filter(event_id="order of evt_1").exists()
        fails = False
        assert told(shop.deliver()) == (200, "handled")
        assert told(shop.deliver("evt_2", "payout.paid")) == (200, "handled")
    finally:
        webhook_event.disconnect(write, sender=PaymentEvent)
        webhook_event.disconnect(hear)
    assert ClaimedEvent.objects.filter(event_id="order of evt_1").exists()
    assert heard == ["PaymentEvent evt_1", f"{PayoutEvent.__name__} evt_2"]


def test_only_the_types_that_were_asked_for_become_signals() -> None:
    shop = Shop(DjangoStore(clock="caller"))
    send_signals(shop.receiver, "refund.*")
    assert told(shop.deliver()) == (200, "ignored")
