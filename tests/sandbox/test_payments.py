"""The life of payments, refunds, payouts and merchants, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, MERCHANT, ONBOARD, PAYOUT, PAYOUTS, REFUNDS, Api, code

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


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [(100.5, "USD", b'"amount": 100.5'), (5000, "XOF", b'"amount": 5000'), (1.234, "KWD", b'"amount": 1.234')],
)
def test_amounts_come_back_as_exact_json_numbers(api: Api, amount: float, currency: str, shown: bytes) -> None:
    answer = api.post(INTENTS, {"amount": amount, "currency": currency})
    assert shown in answer.content


def test_fifteen_digits_survive_the_way_there_and_back(api: Api) -> None:
    answer = api.session.post(
        api.url + INTENTS,
        data='{"amount": 9999999999999.99, "currency": "USD"}',
        headers={"Content-Type": "application/json", "Idempotency-Key": "digits"},
        timeout=5,
    )
    assert b'"amount": 9999999999999.99' in answer.content


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


def test_a_payout_completes_after_a_while(api: Api, sandbox: Sandbox) -> None:
    payout = api.made(PAYOUTS, PAYOUT)
    assert payout["status"] == "pending"
    sandbox.clock.advance(minutes=1)
    later = api.get(f"{PAYOUTS}/{payout['id']}").json()
    assert later["status"] == "completed"
    assert later["completed_at"] > payout["created_at"]


def test_a_merchant_is_onboarded(api: Api) -> None:
    merchant = api.made(ONBOARD, MERCHANT)
    assert (merchant["status"], merchant["kyc_status"]) == ("pending", "pending")
    assert merchant["onboarding_url"].endswith(merchant["id"])


def test_lists_walk_newest_first_without_gap_or_repetition(api: Api) -> None:
    made = [api.intent(amount)["id"] for amount in range(1, 8)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = api.get(INTENTS, **query).json()
        seen += [intent["id"] for intent in page["data"]]
        if not page["has_more"]:
            break
        query["starting_after"] = seen[-1]
    assert seen == made[::-1]
    whole = api.get(INTENTS, limit=7).json()
    assert (len(whole["data"]), whole["has_more"]) == (7, False)


def test_lists_filter(api: Api) -> None:
    mine = api.intent(customer_id="c1")
    api.intent(customer_id="c2")
    paid = api.paid(customer_id="c1")
    ids = [intent["id"] for intent in api.get(INTENTS, customer_id="c1").json()["data"]]
    assert ids == [paid["id"], mine["id"]]
    done = api.get(INTENTS, customer_id="c1", status="succeeded").json()
    assert [intent["id"] for intent in done["data"]] == [paid["id"]]
    refund = api.made(REFUNDS, {"payment_id": paid["id"]})
    assert [r["id"] for r in api.get(REFUNDS, payment_id=paid["id"]).json()["data"]] == [refund["id"]]
    assert api.get(REFUNDS, payment_id=mine["id"]).json() == {"data": [], "has_more": False}


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"limit": "٣"}, {"nope": 1}, {"starting_after": "pi_nope"}],
)
def test_a_list_refuses_a_query_it_does_not_understand(api: Api, query: dict[str, Any]) -> None:
    answer = api.get(INTENTS, **query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] in query


@pytest.mark.parametrize("path", [INTENTS, REFUNDS, PAYOUTS])
def test_an_unknown_id_is_404(api: Api, path: str) -> None:
    assert code(api.get(f"{path}/xx_nope")) == (404, "resource_missing")


def test_an_id_of_another_kind_is_404(api: Api) -> None:
    assert code(api.get(f"{REFUNDS}/{api.intent()['id']}")) == (404, "resource_missing")


def test_accounts_do_not_see_each_other(api: Api, sandbox: Sandbox) -> None:
    intent = api.intent()
    other = Api(sandbox.url, sandbox.keys.create(account="acct_other"))
    assert code(other.get(f"{INTENTS}/{intent['id']}")) == (404, "resource_missing")
    assert other.get(INTENTS).json()["data"] == []
    theirs = other.intent()
    assert other.get(f"{INTENTS}/{theirs['id']}").json() == theirs
    assert [listed["id"] for listed in api.get(INTENTS).json()["data"]] == [intent["id"]]
    other.close()
