"""The ledger: two sides, append-only, and a count of what was really done."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, PAYOUT, PAYOUTS, REFUNDS, Api


def test_a_whole_life_leaves_its_movements(api: Api, sandbox: Sandbox) -> None:
    intent = api.intent(10, metadata={"order_id": "A1"})
    api.act(intent, "confirm")
    api.act(intent, "capture", {"amount": 8})
    api.made(REFUNDS, {"payment_id": intent["id"], "amount": 3})
    api.made(PAYOUTS, {**PAYOUT, "amount": 2, "currency": "USD"})
    sandbox.clock.advance(minutes=1)
    assert {account: sums["USD"] for account, sums in sandbox.ledger.balances().items()} == {
        "customer_holds": 0,
        "authorizations": 0,
        "processor_clearing": 5,
        "merchant_balance": -3,
        "refunds_pending": 0,
        "payouts_pending": 0,
        "bank": -2,
    }
    whys = [entry["why"] for entry in sandbox.ledger.entries(order="A1") if entry["amount"] > 0]
    assert whys == ["authorize", "release", "capture", "refund", "refund paid"]
    assert sandbox.ledger.balanced()


def test_a_canceled_authorization_leaves_nothing_held(api: Api, sandbox: Sandbox) -> None:
    intent = api.intent(10)
    api.act(intent, "confirm")
    api.act(intent, "cancel")
    assert sandbox.ledger.balances() == {"authorizations": {"USD": 0}, "customer_holds": {"USD": 0}}


def test_entries_carry_the_key_that_caused_them(api: Api, sandbox: Sandbox) -> None:
    intent = api.intent(capture=True)
    api.post(f"{INTENTS}/{intent['id']}/confirm", key="pay-1")
    assert [entry["amount"] for entry in sandbox.ledger.entries(idempotency_key="pay-1")] == [100, -100]


def test_executions_are_counted_by_key_order_and_operation(api: Api, sandbox: Sandbox) -> None:
    for key in ("k1", "k1", "k2"):
        api.post(INTENTS, {"amount": 1, "currency": "USD", "metadata": {"order_id": "A1"}}, key=key)
    count = sandbox.ledger.executions
    assert [count(idempotency_key=key) for key in ("k1", "k2", "k3")] == [1, 1, 0]
    assert (count(order="A1"), count(order="A2")) == (2, 0)
    assert count(order="A1", operation="confirm_payment_intent") == 0
    with pytest.raises(ValueError, match="idempotency_key"):
        count()


def test_entries_come_in_pages(api: Api, sandbox: Sandbox) -> None:
    for _ in range(3):
        api.paid()
    first = sandbox.ledger.entries(limit=4)
    rest = sandbox.ledger.entries(after=first[-1]["seq"])
    assert (len(first), first + rest) == (4, sandbox.ledger.entries())


COPY = (
    "INSERT INTO ledger SELECT NULL, at, {}, ledger_account, currency, amount, why, object_id, NULL, NULL FROM ledger"
)


@pytest.mark.parametrize(
    ("forgery", "told"),
    [
        (COPY.format("'mv_forged'") + " LIMIT 1", "mv_forged"),
        (COPY.format("movement"), "sides"),
        ("UPDATE documents SET body = json_set(body, '$.amount_captured', 1)", "expected"),
        ("UPDATE documents SET amount = 99999 WHERE kind = 'refund'", "refunded of"),
        ("UPDATE documents SET status = 'canceled' WHERE kind = 'payment_intent'", "processor_clearing"),
        (
            "UPDATE documents SET status = 'failed' WHERE kind = 'payout'",
            "(failed): 200 in merchant_balance, 0 expected",
        ),
        ("UPDATE documents SET status = 'succeeded' WHERE json_extract(body, '$.capture') = 0", "customer_holds"),
        ("DELETE FROM documents WHERE kind = 'refund'", "no such object"),
    ],
)
def test_books_that_were_tampered_with_do_not_balance(api: Api, sandbox: Sandbox, forgery: str, told: str) -> None:
    paid = api.paid()
    api.made(REFUNDS, {"payment_id": paid["id"], "amount": 1})
    api.made(PAYOUTS, {**PAYOUT, "amount": 2, "currency": "USD"})
    api.act(api.intent(7), "confirm")
    assert sandbox.ledger.balanced()
    with sandbox._store.transaction() as tx:
        tx.connection.execute(text(forgery))
    assert not sandbox.ledger.balanced()
    assert told in " ".join(sandbox.ledger.discrepancies())


def test_the_audit_says_who_did_what(api: Api, sandbox: Sandbox) -> None:
    intent = api.intent(metadata={"order_id": 7})
    api.act(intent, "capture")
    refused, done = sandbox.ledger.audit()
    assert (done["operation"], done["status"], done["executed"], done["order_id"]) == (
        "create_payment_intent",
        201,
        True,
        "7",
    )
    assert (refused["operation"], refused["status"], refused["executed"]) == ("capture_payment_intent", 409, False)
    assert refused["object_id"] == intent["id"]
    assert done["key_id"].startswith("key_")
    assert sandbox.api_key not in str(sandbox.ledger.audit())
