"""Disputes: what they hold, how they end, and what they leave to refund."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import REFUNDS, Api, code


def disputes(sandbox: Sandbox, payment_id: str) -> list[dict[str, Any]]:
    return list(sandbox.payments.timeline(payment_id)["disputes"])


@pytest.mark.parametrize(("magic", "result", "left"), [("disputed", "won", -100), ("dispute_lost", "lost", 0)])
def test_a_dispute_is_an_object_that_is_won_or_lost(
    api: Api, sandbox: Sandbox, magic: str, result: str, left: int
) -> None:
    paid = api.paid(metadata={"sandbox": magic, "order_id": "A1"})
    sandbox.clock.advance(hours=1)
    (dispute,) = disputes(sandbox, paid["id"])
    assert dispute["id"].startswith("dp_")
    assert (dispute["payment_id"], dispute["amount"], dispute["status"]) == (paid["id"], 100, "open")
    assert sandbox.ledger.balanced()
    sandbox.clock.advance(hours=24)
    assert [one["status"] for one in disputes(sandbox, paid["id"])] == [result]
    assert sandbox.ledger.balances()["merchant_balance"] == {"USD": left}
    told = [event for event in sandbox.webhooks.events() if event["type"].startswith("dispute.")]
    assert [(event["data"]["id"], event["data"]["status"]) for event in told] == [
        (dispute["id"], "open"),
        (dispute["id"], result),
    ]
    assert sandbox.ledger.balanced()


def test_money_that_is_held_for_a_dispute_is_not_refunded_too(api: Api, sandbox: Sandbox) -> None:
    paid = api.paid()
    api.made(REFUNDS, {"payment_id": paid["id"], "amount": 30})
    dispute = sandbox.payments.dispute(paid["id"], "duplicate")
    assert (dispute["amount"], dispute["reason"]) == (70, "duplicate")
    assert code(api.post(REFUNDS, {"payment_id": paid["id"]})) == (409, "payment_disputed")
    with pytest.raises(ValueError, match="nothing of it is left"):
        sandbox.payments.dispute(paid["id"])
    sandbox.payments.decide_dispute(dispute["id"], "won")
    assert api.made(REFUNDS, {"payment_id": paid["id"]})["amount"] == 70
    assert sandbox.ledger.balanced()


def test_what_is_lost_stays_lost(api: Api, sandbox: Sandbox) -> None:
    paid = api.paid()
    sandbox.payments.decide_dispute(sandbox.payments.dispute(paid["id"])["id"], "lost")
    assert code(api.post(REFUNDS, {"payment_id": paid["id"]})) == (409, "payment_disputed")
    assert sandbox.ledger.balances()["processor_clearing"] == {"USD": 0}
    assert sandbox.ledger.balanced()


def test_a_payment_that_was_refunded_is_not_disputed_by_time(api: Api, sandbox: Sandbox) -> None:
    paid = api.paid(metadata={"sandbox": "disputed"})
    api.made(REFUNDS, {"payment_id": paid["id"]})
    sandbox.clock.advance(hours=30)
    assert disputes(sandbox, paid["id"]) == []
    assert sandbox.ledger.balanced()


def test_a_dispute_is_decided_once(api: Api, sandbox: Sandbox) -> None:
    dispute = sandbox.payments.dispute(api.paid()["id"])
    sandbox.payments.decide_dispute(dispute["id"], "won")
    for wrong, reason in (("lost", "only an open dispute"), ("drawn", "won or lost")):
        with pytest.raises(ValueError, match=reason):
            sandbox.payments.decide_dispute(dispute["id"], wrong)
    with pytest.raises(KeyError):
        sandbox.payments.decide_dispute("dp_nope", "won")
