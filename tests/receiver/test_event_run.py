"""One event at one worker: what becomes of it while others want it, and when the worker dies, is late or is stopped."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk.receiver import WebhookAnswer, WebhookReceiver
from molam_sdk.store import Claim, MemoryStore
from molam_sdk.webhooks import PaymentEvent, WebhookEvent
from tests.support.webhooks.deliveries import NOW, SECRETS, body_of, delivery_of
from tests.support.webhooks.shop import Shop, told


def test_while_a_worker_has_the_event_the_others_say_when_to_come_back(shop: Shop) -> None:
    answers: list[WebhookAnswer] = []

    @shop.receiver.on("payment.failed")
    def meanwhile(event: PaymentEvent) -> None:
        shop.now += 15.5
        answers.append(shop.deliver(event_type="payment.failed"))

    assert told(shop.deliver(event_type="payment.failed")) == (200, "handled")
    assert told(answers[0]) == (409, "busy")
    assert answers[0].headers["Retry-After"] == "45"


def test_an_event_whose_worker_died_runs_after_the_lease(shop: Shop) -> None:
    shop.store.claim(Claim("evt_1", "payment.succeeded", "dead"), NOW, NOW + 60)
    assert told(shop.deliver()) == (409, "busy")
    shop.now = NOW + 60
    assert told(shop.deliver()) == (200, "handled")


def test_by_default_a_dead_workers_event_is_free_at_molams_first_retry() -> None:
    store = MemoryStore()
    receiver = WebhookReceiver(SECRETS, store, registry=CollectorRegistry(), clock=lambda: NOW)
    decisions: list[str] = []

    @receiver.on("payment.succeeded")
    def dying(event: WebhookEvent) -> None:
        for seconds in (44, 46):
            claim = Claim(event.id, event.type, f"after {seconds}")
            decisions.append(store.claim(claim, NOW + seconds, NOW + 100).decision)

    receiver.receive(*delivery_of(body_of()))
    assert decisions == ["busy", "run"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_a_worker_that_is_told_to_stop_gives_the_event_back(shop: Shop, interrupt: type[BaseException]) -> None:
    stop = True

    @shop.receiver.on("payout.paid")
    def interrupted(event: WebhookEvent) -> None:
        if stop:
            raise interrupt

    with pytest.raises(interrupt):
        shop.deliver(event_type="payout.paid")
    stop = False
    assert told(shop.deliver(event_type="payout.paid")) == (200, "handled")
