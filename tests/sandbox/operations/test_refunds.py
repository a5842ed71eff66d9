"""Refunds: all that is left, never more, only of what succeeded."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, REFUNDS, Api, code

CONFLICT = (409, "payment_intent_unexpected_state")


def in_status(api: Api, status: str) -> dict[str, Any]:
    """A payment intent brought into this status."""
    if status in ("succeeded", "failed", "processing"):
        magic = {"failed": "card_declined", "processing": "stays_processing"}.get(status)
        intent = api.intent(capture=True, metadata={"sandbox": magic} if magic else {})
        api.act(intent, "confirm")
    else:
        intent = api.intent()
        if status == "requires_capture":
            api.act(intent, "confirm")
        if status == "canceled":
            api.act(intent, "cancel")
    found: dict[str, Any] = api.get(f"{INTENTS}/{intent['id']}").json()
    assert found["status"] == status
    return found


STATUSES = ("requires_confirmation", "processing", "requires_capture", "succeeded", "failed", "canceled")


def test_refunds_give_back_all_that_is_left_when_no_amount_is_named(api: Api) -> None:
    paid = api.paid(10)
    first = api.made(REFUNDS, {"payment_id": paid["id"], "amount": 4})
    rest = api.made(REFUNDS, {"payment_id": paid["id"]})
    assert [first["amount"], rest["amount"], rest["status"]] == [4, 6, "succeeded"]
    assert code(api.post(REFUNDS, {"payment_id": paid["id"]})) == (422, "refund_exceeds_captured")


def test_refunds_never_exceed_what_was_captured(api: Api) -> None:
    intent = api.intent(10)
    api.act(intent, "confirm")
    api.act(intent, "capture", {"amount": 4})
    answer = api.post(REFUNDS, {"payment_id": intent["id"], "amount": 4.01})
    assert code(answer) == (422, "refund_exceeds_captured")


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "succeeded"])
def test_only_a_succeeded_payment_is_refunded(api: Api, status: str) -> None:
    assert code(api.post(REFUNDS, {"payment_id": in_status(api, status)["id"]})) == CONFLICT


def test_a_failed_refund_can_be_made_again(api: Api, sandbox: Sandbox) -> None:
    paid = api.paid(10)
    refund = api.made(REFUNDS, {"payment_id": paid["id"], "metadata": {"sandbox": "refund_fails"}})
    assert refund["status"] == "pending"
    assert code(api.post(REFUNDS, {"payment_id": paid["id"]})) == (422, "refund_exceeds_captured")
    sandbox.clock.advance(minutes=1)
    assert api.get(f"{REFUNDS}/{refund['id']}").json()["status"] == "failed"
    assert api.made(REFUNDS, {"payment_id": paid["id"]})["amount"] == 10
    assert sandbox.ledger.balanced()
