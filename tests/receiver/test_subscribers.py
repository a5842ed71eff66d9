"""Which functions an event goes to."""

from __future__ import annotations

import pytest

from molam_sdk.webhooks import WebhookEvent
from tests.support.webhooks.shop import Shop, told


def test_handlers_run_in_order_and_a_finished_one_does_not_run_again(shop: Shop) -> None:
    ran: list[str] = []
    fails = True

    @shop.receiver.on("payout.*")
    def first(event: WebhookEvent) -> None:
        ran.append("first")

    @shop.receiver.on("payout.paid")
    def second(event: WebhookEvent) -> None:
        ran.append("second")
        if fails:
            raise RuntimeError

    assert told(shop.deliver(event_type="payout.paid")) == (500, "failed")
    fails = False
    assert told(shop.deliver(event_type="payout.paid")) == (200, "handled")
    assert ran == ["first", "second", "second"]


@pytest.mark.parametrize(
    ("patterns", "event_type", "matches"),
    [
        (("payment.succeeded",), "payment.succeeded", True),
        (("payment.succeeded",), "payment.intent.succeeded", True),
        (("payment.intent.succeeded",), "payment.succeeded", True),
        (("payment.succeeded",), "payment.succeeded.not", False),
        (("payment.succeeded",), "paymentXsucceeded", False),
        (("payment.*",), "payment.brand_new", True),
        (("payment.*",), "payment.refund.succeeded", False),
        (("refund.*",), "payment.refund.succeeded", True),
        (("*",), "dispute.created", True),
        (("*.failed", "*.created"), "refund.failed", True),
        (("*.failed", "*.created"), "refund.succeeded", False),
    ],
)
def test_patterns(shop: Shop, patterns: tuple[str, ...], event_type: str, matches: bool) -> None:
    @Shop().receiver.on(*patterns)
    def other_shops_function(event: WebhookEvent) -> None: ...

    shop.receiver.on(*patterns)(other_shops_function)
    assert (other_shops_function in [s.call for s in shop.receiver.subscribers_of(event_type)]) is matches


@pytest.mark.parametrize("patterns", [(), ("",), ("payment.*", "")])
def test_a_registration_without_a_type_is_refused(shop: Shop, patterns: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="name the event types"):
        shop.receiver.on(*patterns)


def test_two_functions_of_one_name_are_refused(shop: Shop) -> None:
    with pytest.raises(ValueError, match="registered already"):
        shop.receiver.on("payout.paid")(shop.fulfil)
