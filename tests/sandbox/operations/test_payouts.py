"""Payouts, and the balance they are paid from: what the ledger says an account has, and what is on its way to it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import PAYOUT, PAYOUTS, REFUNDS, Api, code

BALANCE = "/v1/connect/balance"


def test_a_payout_completes_after_a_while(api: Api, sandbox: Sandbox) -> None:
    payout = api.pay_out()
    assert payout["status"] == "pending"
    sandbox.clock.advance(minutes=1)
    later = api.get(f"{PAYOUTS}/{payout['id']}").json()
    assert later["status"] == "completed"
    assert later["completed_at"] > payout["created_at"]


def balance(api: Api, **query: str) -> list[dict[str, Any]]:
    answer = api.get(BALANCE, **query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) == {"data"}
    return list(body["data"])


def row(currency: str, available: float, pending: float) -> dict[str, Any]:
    return {"currency": currency, "available": available, "pending": pending}


def test_an_account_that_dealt_in_nothing_has_no_balance(api: Api) -> None:
    assert balance(api) == []
    assert balance(api, currency="XOF") == [row("XOF", 0, 0)]


def test_a_created_payment_is_neither_available_nor_pending(api: Api) -> None:
    api.intent(10)
    assert balance(api) == []


def test_money_goes_from_pending_to_available_by_confirm_and_capture(api: Api) -> None:
    intent = api.intent(10.5)
    api.act(intent, "confirm")
    assert balance(api) == [row("USD", 0, 10.5)]
    api.act(intent, "capture", {"amount": 8.25})
    assert balance(api) == [row("USD", 8.25, 0)]


def test_a_canceled_authorization_is_no_longer_pending(api: Api) -> None:
    intent = api.intent(10)
    api.act(intent, "confirm")
    api.act(intent, "cancel")
    assert balance(api) == [row("USD", 0, 0)]


def test_a_payment_that_is_processing_is_pending_until_it_settles(api: Api, sandbox: Sandbox) -> None:
    api.act(api.intent(5000, "XOF", capture=True, metadata={"sandbox": "succeeds_late"}), "confirm")
    api.act(api.intent(700, "XOF", capture=True, metadata={"sandbox": "fails_late"}), "confirm")
    assert balance(api) == [row("XOF", 0, 5700)]
    sandbox.clock.advance(minutes=1)
    assert balance(api) == [row("XOF", 5000, 0)]


def test_refunds_payouts_and_disputes_are_taken_from_what_is_available(api: Api, sandbox: Sandbox) -> None:
    paid = api.paid(100)
    api.made(REFUNDS, {"payment_id": paid["id"], "amount": 30})
    assert balance(api) == [row("USD", 70, 0)]
    api.made(PAYOUTS, {**PAYOUT, "amount": 20, "currency": "USD"})
    assert balance(api) == [row("USD", 50, 0)]
    sandbox.clock.advance(minutes=1)
    assert balance(api) == [row("USD", 50, 0)]
    api.made(PAYOUTS, {**PAYOUT, "amount": 20, "currency": "USD", "metadata": {"sandbox": "payout_fails"}})
    assert balance(api) == [row("USD", 30, 0)]
    sandbox.clock.advance(minutes=1)
    assert balance(api) == [row("USD", 50, 0)]
    api.paid(40, metadata={"sandbox": "disputed"})
    assert balance(api) == [row("USD", 90, 0)]
    sandbox.clock.advance(hours=1)
    assert balance(api) == [row("USD", 50, 0)]
    sandbox.clock.advance(hours=24)
    assert balance(api) == [row("USD", 90, 0)]


def test_currencies_stand_apart_in_their_own_units_and_can_be_asked_for(api: Api) -> None:
    api.paid(5000, "XOF")
    api.paid(1.234, "KWD")
    assert balance(api) == [row("KWD", 1.234, 0), row("XOF", 5000, 0)]
    assert balance(api, currency="XOF") == [row("XOF", 5000, 0)]
    assert balance(api, currency="EUR") == [row("EUR", 0, 0)]


def test_an_account_sees_its_own_balance_alone(api: Api, sandbox: Sandbox) -> None:
    api.paid(10)
    other = Api(sandbox.url, sandbox.keys.create(account="acct_other"))
    other.paid(3)
    assert (balance(api), balance(other)) == ([row("USD", 10, 0)], [row("USD", 3, 0)])
    other.close()


@pytest.mark.parametrize(
    ("query", "reason", "param"),
    [
        ({"currency": "usd"}, "parameter_invalid", "currency"),
        ({"currency": "XXX"}, "parameter_invalid", "currency"),
        ({"currency": ""}, "parameter_invalid", "currency"),
        ({"currency": ["USD", "EUR"]}, "parameter_unknown", "currency"),
        ({"limit": "1"}, "parameter_unknown", "limit"),
    ],
)
def test_a_query_that_does_not_fit_is_400_and_names_the_parameter(
    shared: Api, query: dict[str, Any], reason: str, param: str
) -> None:
    answer = shared.get(BALANCE, **query)
    assert (code(answer), answer.json()["error"]["param"]) == ((400, reason), param)


def test_it_has_a_scope_of_its_own(sandbox: Sandbox) -> None:
    reader, other = (Api(sandbox.url, sandbox.keys.create(scope)) for scope in ("balance:read", "payouts:read"))
    assert balance(reader) == []
    assert code(other.get(BALANCE)) == (403, "insufficient_scope")
    reader.close()
    other.close()


def test_a_payout_of_more_than_there_is_is_declined_and_moves_nothing(api: Api, sandbox: Sandbox) -> None:
    asked = {**PAYOUT, "amount": 5_000_000}
    assert code(api.post(PAYOUTS, asked)) == (402, "insufficient_funds")
    api.paid(4_999_999, "XOF")
    assert code(api.post(PAYOUTS, asked)) == (402, "insufficient_funds")
    api.paid(1, "XOF")
    assert api.post(PAYOUTS, asked).status_code == 201
    assert code(api.post(PAYOUTS, {**PAYOUT, "amount": 1})) == (402, "insufficient_funds")
    assert balance(api) == [row("XOF", 0, 0)]


def test_a_payout_may_exceed_the_balance_where_that_is_asked_for() -> None:
    with Sandbox(overdraft=True) as sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        api.made(PAYOUTS, PAYOUT)
        assert balance(api) == [row("XOF", -5, 0)]
        api.close()


def test_it_is_read_only(shared: Api) -> None:
    answer = shared.post(BALANCE)
    assert (code(answer), answer.headers["Allow"]) == ((405, "method_not_allowed"), "GET")


STEPS = st.lists(
    st.tuples(st.sampled_from(["hold", "late", "pay", "refund", "payout"]), st.integers(1, 99)), max_size=8
)


def take(api: Api, step: str, amount: int) -> None:
    if step == "hold":
        api.act(api.intent(amount), "confirm")
    elif step == "late":
        api.act(api.intent(amount, metadata={"sandbox": "stays_processing"}), "confirm")
    elif step == "payout":
        api.made(PAYOUTS, {**PAYOUT, "amount": amount, "currency": "USD"})
    else:
        paid = api.paid(amount)
        if step == "refund":
            api.made(REFUNDS, {"payment_id": paid["id"]})


@settings(max_examples=20, deadline=None)
@given(steps=STEPS)
def test_it_agrees_with_the_ledger_whatever_happened(steps: list[tuple[str, int]]) -> None:
    with Sandbox(overdraft=True) as sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        for step, amount in steps:
            take(api, step, amount)
        (now,) = balance(api, currency="USD")
        books = {account: sums["USD"] for account, sums in sandbox.ledger.balances().items()}
        under_way = sum(amount for step, amount in steps if step == "late")
        assert now["available"] == -books.get("merchant_balance", 0)
        assert now["pending"] == -books.get("authorizations", 0) + under_way
        assert sandbox.ledger.balanced()
        api.close()
