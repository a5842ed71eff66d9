"""Payments as people look at them: pages, the life of one, and what is done to one."""

from __future__ import annotations

import pytest

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, REFUNDS, Api, code
from tests.support.sandbox_receiver import Receiver


def test_payments_come_newest_first_in_pages_and_are_found_by_what_one_knows(api: Api, sandbox: Sandbox) -> None:
    made = [api.intent(n, metadata={"order_id": f"order-{n}"}) for n in range(1, 8)]
    first = sandbox.payments.page(limit=3)
    rest = sandbox.payments.page(first[-1]["seq"])
    assert [one["amount"] for one in first + rest] == [7, 6, 5, 4, 3, 2, 1]
    api.post(INTENTS, {"amount": 9, "currency": "USD"}, key="key-of-nine")
    for search, amount in (("order-3", 3), (made[4]["id"], 5), (made[4]["id"][:12], 5), ("key-of", 9)):
        assert [one["amount"] for one in sandbox.payments.page(search=search)] == [amount], search
    assert sandbox.payments.page(search="%") == []
    api.act(made[0], "cancel")
    assert [one["amount"] for one in sandbox.payments.page(status="canceled")] == [1]


def test_the_timeline_tells_the_whole_life_in_order(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url, "payment.succeeded")
    receiver.statuses = [500]
    paid = api.paid(metadata={"order_id": "A1", "sandbox": "disputed"})
    api.made(REFUNDS, {"payment_id": paid["id"], "amount": 10})
    sandbox.webhooks.wait()
    sandbox.requests.flush()
    told = sandbox.payments.timeline(paid["id"])
    assert (told["payment"]["id"], [one["amount"] for one in told["refunds"]]) == (paid["id"], [10])
    whats = [moment["what"] for moment in told["timeline"]]
    assert {"request", "movement", "event", "attempt", "due_delivery", "due_job"} == set(whats)
    moments = [moment["at"] for moment in told["timeline"]]
    assert moments == sorted(moments)
    assert [m["operation"] for m in told["timeline"] if m["what"] == "request"] == [
        "create_payment_intent",
        "confirm_payment_intent",
        "create_refund",
    ]
    assert [m["why"] for m in told["timeline"] if m["what"] == "movement"] == ["capture", "refund", "refund paid"]
    with pytest.raises(KeyError):
        sandbox.payments.timeline("pi_nope")


def test_a_payment_that_waits_can_be_declined(api: Api, sandbox: Sandbox) -> None:
    waiting, late = api.intent(), api.intent(metadata={"sandbox": "succeeds_late"})
    api.act(late, "confirm")
    for intent in (waiting, late):
        assert sandbox.payments.decline(intent["id"], "fraud_blocked")["failure_code"] == "fraud_blocked"
    sandbox.clock.advance(hours=1)
    assert api.get(f"{INTENTS}/{late['id']}").json()["status"] == "failed"
    assert code(api.act(waiting, "confirm")) == (409, "payment_intent_unexpected_state")
    for intent_id, wrong, reason in ((waiting["id"], "card_declined", "no longer"), (waiting["id"], "bored", "one of")):
        with pytest.raises(ValueError, match=reason):
            sandbox.payments.decline(intent_id, wrong)


def test_the_payment_method_of_a_confirmation_is_kept(api: Api) -> None:
    intent = api.intent(capture=True)
    assert api.act(intent, "confirm", {"payment_method": "wallet"}).json()["payment_method"] == "wallet"
    assert api.get(f"{INTENTS}/{intent['id']}").json()["payment_method"] == "wallet"
