"""The life of a payment intent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.sandbox_api import INTENTS, Api, code

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


LIFE = {
    ("requires_confirmation", "confirm"): "requires_capture",
    ("requires_confirmation", "cancel"): "canceled",
    ("requires_capture", "capture"): "succeeded",
    ("requires_capture", "cancel"): "canceled",
}


STATUSES = ("requires_confirmation", "processing", "requires_capture", "succeeded", "failed", "canceled")


@pytest.mark.parametrize("action", ["confirm", "capture", "cancel"])
@pytest.mark.parametrize("status", STATUSES)
def test_each_action_starts_only_from_the_statuses_of_the_contract(api: Api, status: str, action: str) -> None:
    intent = in_status(api, status)
    answer = api.act(intent, action)
    if (status, action) in LIFE:
        assert answer.json()["status"] == LIFE[status, action]
    else:
        assert code(answer) == CONFLICT
        assert api.get(f"{INTENTS}/{intent['id']}").json() == intent


def test_a_confirmed_intent_that_asked_for_capture_has_succeeded(api: Api) -> None:
    paid = api.paid(100.5)
    assert (paid["status"], paid["amount"], paid["amount_captured"]) == ("succeeded", 100.5, 100.5)


def test_a_capture_may_take_a_part_and_never_more(api: Api) -> None:
    intent = api.intent(10)
    api.act(intent, "confirm")
    assert code(api.act(intent, "capture", {"amount": 10.01})) == (422, "amount_too_large")
    assert api.act(intent, "capture", {"amount": 4}).json()["amount_captured"] == 4
