"""Magic values, each by its name in the metadata and by its amount."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.domain.magic import MAGIC, MagicValue
from tests.support.sandbox_api import INTENTS, PAYOUT, PAYOUTS, REFUNDS, Api, code

HOUR = 3600


LATER = {
    "card_declined": ("failed", 402),
    "insufficient_funds": ("failed", 402),
    "fraud_blocked": ("failed", 402),
    "expired_card": ("failed", 402),
    "needs_capture": ("requires_capture", 200),
    "stays_processing": ("processing", 200),
    "succeeds_late": ("succeeded", 200),
    "fails_late": ("failed", 200),
    "disputed": ("succeeded", 200),
    "dispute_lost": ("succeeded", 200),
    "refund_fails": ("failed", 201),
    "refund_late": ("succeeded", 201),
    "payout_fails": ("failed", 201),
    "payout_stays_pending": ("pending", 201),
    "answers_slowly": ("requires_confirmation", 201),
}


def body_of(magic: MagicValue, by_amount: bool) -> dict[str, Any]:
    if by_amount:
        return {"amount": magic.amount, "currency": "XOF"}
    return {"amount": 100, "currency": "XOF", "metadata": {"sandbox": magic.name}}


def pay(api: Api, body: dict[str, Any]) -> tuple[str, int]:
    intent = api.made(INTENTS, {**body, "capture": True})
    return f"{INTENTS}/{intent['id']}", api.act(intent, "confirm").status_code


def refund(api: Api, body: dict[str, Any]) -> tuple[str, int]:
    asked = {name: value for name, value in body.items() if name != "currency"}
    answer = api.post(REFUNDS, {**asked, "payment_id": api.paid(2_000_000, "XOF")["id"]})
    return f"{REFUNDS}/{answer.json()['id']}", answer.status_code


def pay_out(api: Api, body: dict[str, Any]) -> tuple[str, int]:
    api.paid(2_000_000, "XOF")
    answer = api.post(PAYOUTS, {**PAYOUT, **body})
    return f"{PAYOUTS}/{answer.json()['id']}", answer.status_code


def create(api: Api, body: dict[str, Any]) -> tuple[str, int]:
    answer = api.post(INTENTS, body)
    return f"{INTENTS}/{answer.json()['id']}", answer.status_code


DEEDS: dict[str, Callable[[Api, dict[str, Any]], tuple[str, int]]] = {
    "payment": pay,
    "refund": refund,
    "payout": pay_out,
    "any": create,
}


@pytest.mark.parametrize("by_amount", [False, True], ids=["name", "amount"])
@pytest.mark.parametrize("magic", MAGIC, ids=[magic.name for magic in MAGIC])
def test_a_magic_value_does_what_its_row_says(api: Api, sandbox: Sandbox, magic: MagicValue, by_amount: bool) -> None:
    path, answered = DEEDS[magic.acts_on](api, body_of(magic, by_amount))
    sandbox.clock.advance(hours=30)
    found = api.get(path).json()
    assert (found["status"], answered) == LATER[magic.name]
    if magic.decline:
        assert found["failure_code"] == magic.decline
    assert sandbox.ledger.balanced()


def test_every_magic_value_is_tested() -> None:
    assert set(LATER) == {magic.name for magic in MAGIC}


@pytest.mark.parametrize("name", ["card_declined", "insufficient_funds", "fraud_blocked", "expired_card"])
def test_a_decline_answers_402_with_its_code(api: Api, name: str) -> None:
    answer = api.act(api.intent(metadata={"sandbox": name}), "confirm")
    assert (code(answer), answer.json()["error"]["type"]) == ((402, name), "card_error")


def test_what_is_late_is_not_early(api: Api, sandbox: Sandbox) -> None:
    intent = api.intent(capture=True, metadata={"sandbox": "succeeds_late"})
    assert api.act(intent, "confirm").json()["status"] == "processing"
    sandbox.clock.advance(seconds=59)
    assert api.get(f"{INTENTS}/{intent['id']}").json()["status"] == "processing"
    sandbox.clock.advance(seconds=2)
    assert api.get(f"{INTENTS}/{intent['id']}").json()["status"] == "succeeded"


def test_a_slow_answer_is_slow(api: Api) -> None:
    began = time.monotonic()
    api.intent(metadata={"sandbox": "answers_slowly"})
    assert time.monotonic() - began >= 2


def test_a_dispute_is_opened_and_won(api: Api, sandbox: Sandbox) -> None:
    api.paid(metadata={"sandbox": "disputed"})
    sandbox.clock.advance(seconds=HOUR)
    assert sandbox.ledger.balances()["disputes_held"] == {"USD": -100}
    sandbox.clock.advance(seconds=24 * HOUR)
    assert sandbox.ledger.balances()["disputes_held"] == {"USD": 0}
    types = [event["type"] for event in sandbox.webhooks.events()]
    assert types[-2:] == ["dispute.created", "dispute.resolved"]


@pytest.mark.parametrize(
    ("kind", "name"), [("payout", "refund_late"), ("payment", "payout_fails"), ("refund", "disputed")]
)
def test_magic_that_does_not_act_here_is_refused_since_it_would_test_nothing(api: Api, kind: str, name: str) -> None:
    bodies = {
        "payment": (INTENTS, {"amount": 1, "currency": "USD"}),
        "refund": (REFUNDS, {"payment_id": "pi_1"}),
        "payout": (PAYOUTS, PAYOUT),
    }
    path, body = bodies[kind]
    answer = api.post(path, {**body, "metadata": {"sandbox": name}})
    assert code(answer) == (400, "parameter_invalid")
    assert "must be one of" in answer.json()["error"]["message"]


def test_the_refund_of_a_payment_can_be_chosen_with_the_payment(api: Api) -> None:
    paid = api.paid(metadata={"sandbox": "refund_fails"})
    assert api.made(REFUNDS, {"payment_id": paid["id"]})["status"] == "pending"
