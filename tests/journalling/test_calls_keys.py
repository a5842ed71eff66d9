"""What a key binds to: what is given again, asked again, waited for and refused under one that the journal knows."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from molam_sdk import (
    DeclinedError,
    MolamError,
    MolamTimeoutError,
    RateLimitError,
    RequestValidationError,
)
from molam_sdk._core.account import account_of
from molam_sdk.journal import End, MemoryJournal
from tests.journalling.conftest import DECLINED, EndsMeanwhile, Shop, failed
from tests.support.journals import asked
from tests.support.script import OK, REFUSED, TIMEOUT, error_reply

ACCOUNT = account_of({"Authorization": "Bearer sk_test_caller"})


def test_a_result_is_given_again_without_the_network(shop: Shop) -> None:
    shop.open(OK)
    first = shop.pay()
    shop.bench.aged("order-7", 400 * 86_400)
    transport = shop.open()
    again = shop.pay()
    assert again == first
    assert (again.replayed, again.attempts, again.request_id, again.idempotency_key) == (True, 0, "req_ok", "order-7")
    assert transport.requests == []


def test_a_refusal_is_given_again_without_the_network(shop: Shop) -> None:
    shop.open(DECLINED)
    first = failed(shop)
    transport = shop.open()
    again = failed(shop)
    assert isinstance(again, DeclinedError)
    assert (again.code, again.outcome, again.request_id, again.attempts) == (
        "card_declined",
        "rejected",
        "req_error",
        0,
    )
    assert str(again.message) == str(first.message)
    assert transport.requests == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("create_payment_intent", ({"amount": "5", "currency": "USD"},)),
        ("create_refund", ({"payment_id": "pi_1"},)),
        ("cancel_payment_intent", ("pi_1",)),
        ("delete_webhook_endpoint", ("we_1",)),
    ],
)
@pytest.mark.parametrize("ended", [OK, DECLINED, TIMEOUT], ids=["done", "refused", "open"])
def test_a_key_belongs_to_one_request_for_ever(shop: Shop, ended: Any, name: str, arguments: Any) -> None:
    shop.open(ended)
    with contextlib.suppress(MolamError):
        shop.pay()
    shop.bench.aged("order-7", 400 * 86_400)
    transport = shop.open()
    with pytest.raises(RequestValidationError, match="belongs to one operation and one body") as caught:
        shop.caller.call(name, *arguments, idempotency_key="order-7")
    assert (caught.value.outcome, caught.value.idempotency_key) == ("not_sent", "order-7")
    assert transport.requests == []


def test_a_doubt_of_another_process_is_asked_again_and_stays_a_doubt_until_settled(shop: Shop) -> None:
    shop.open(TIMEOUT)
    failed(shop)
    shop.open(error_reply(429))
    limited = failed(shop)
    assert isinstance(limited, RateLimitError)
    assert (limited.outcome, shop.bench.entry().state) == ("unknown", "open")
    shop.open(REFUSED)
    assert failed(shop).outcome == "unknown"
    shop.open(OK)
    shop.pay()
    assert (shop.bench.entry().state, shop.bench.entry().attempts) == ("done", 4)


def test_a_key_under_which_nothing_was_done_may_be_used_again_a_year_later(shop: Shop) -> None:
    shop.open(REFUSED)
    assert failed(shop).outcome == "not_sent"
    shop.bench.aged("order-7", 400 * 86_400)
    shop.open(OK)
    shop.pay()
    assert shop.bench.entry().age < 60


def test_a_doubt_that_is_too_old_is_refused_and_says_that_it_may_have_happened(shop: Shop) -> None:
    shop.open(TIMEOUT)
    failed(shop)
    shop.bench.aged("order-7", 23.1 * 3600)
    transport = shop.open()
    error = failed(shop)
    assert isinstance(error, RequestValidationError)
    assert (error.outcome, error.money_may_have_moved, transport.requests) == ("unknown", True, [])
    assert "23 h ago" in str(error)


def test_a_doubt_almost_too_old_is_asked_again(shop: Shop) -> None:
    shop.open(TIMEOUT)
    failed(shop)
    shop.bench.aged("order-7", 22.9 * 3600)
    shop.open(OK)
    assert shop.pay().id == "pi_1"


def test_a_first_use_in_the_future_is_refused(shop: Shop) -> None:
    shop.open(TIMEOUT)
    failed(shop)
    shop.bench.aged("order-7", -7200)
    shop.open()
    assert "in the future by the journal's clock" in str(failed(shop))


@pytest.mark.parametrize("ended", [OK, DECLINED, TIMEOUT], ids=["done", "refused", "open"])
@pytest.mark.parametrize(
    ("changes", "says"),
    [({"api_key": "sk_test_other"}, "fingerprints"), ({"base_url": "https://other.test"}, "where it is unknown")],
)
def test_another_account_or_host_is_refused(shop: Shop, ended: Any, changes: Any, says: str) -> None:
    shop.open(ended)
    with contextlib.suppress(MolamError):
        shop.pay()
    transport = shop.open(**changes)
    error = failed(shop)
    assert says in str(error)
    assert transport.requests == []
    assert error.outcome == ("not_sent" if ended is DECLINED else "unknown")


def test_a_replaced_api_key_of_the_same_account_gets_the_stored_answer(shop: Shop) -> None:
    shop.open(OK)
    shop.pay()
    transport = shop.open(api_key="sk_test_rotated")
    assert shop.caller.call("resolve", "order-7", same_account=True).id == "pi_1"
    assert transport.requests == []


def test_the_key_alone_resolves_what_another_process_left(shop: Shop) -> None:
    shop.open(TIMEOUT)
    failed(shop)
    transport = shop.open(OK)
    assert shop.caller.call("resolve", "order-7").id == "pi_1"
    assert transport.requests[0].headers["Idempotency-Key"] == "order-7"
    assert shop.bench.entry().state == "done"


def test_a_key_that_nobody_knows_cannot_be_resolved(shop: Shop) -> None:
    shop.open()
    with pytest.raises(RequestValidationError, match="nothing that this client remembers"):
        shop.caller.call("resolve", "order-7")


def test_an_error_is_resolved_from_the_journal_when_its_key_is_too_old(shop: Shop) -> None:
    shop.open(TIMEOUT)
    error = failed(shop)
    shop.open(OK)
    shop.pay()
    shop.bench.aged("order-7", 48 * 3600)
    error.first_used_at = time.time() - 48 * 3600
    transport = shop.open()
    assert shop.caller.call("resolve", error).id == "pi_1"
    assert transport.requests == []


def test_an_error_from_before_the_journal_is_written_down_with_its_age(shop: Shop) -> None:
    shop.open(TIMEOUT, journal=MemoryJournal())
    error = failed(shop)
    error.first_used_at = time.time() - 7200
    shop.open(*[TIMEOUT] * 50)
    with pytest.raises(MolamTimeoutError):
        shop.caller.call("resolve", error, timeout=1)
    entry = shop.bench.entry()
    assert 7200 <= entry.age < 7300
    assert (entry.state, entry.outcome) == ("open", "unknown")


def test_another_process_that_has_the_key_is_waited_for(shop: Shop) -> None:
    shop.open(OK)
    shop.pay("model")
    model = shop.bench.entry("model")
    other = asked(operation=model.operation, path=model.path, body=model.body, account=ACCOUNT)
    shop.bench.store.begin(other, 60)
    end = End("done", None, "200", 1, "req_other", None, model.answer)
    transport = shop.open(
        journal=EndsMeanwhile(shop.bench.store, lambda: shop.bench.store.end("order-7", other.token, end))
    )
    paid = shop.pay(timeout=20)
    assert (paid.id, paid.replayed, transport.requests) == ("pi_1", True, [])


def test_the_wait_for_another_process_ends_with_the_deadline(shop: Shop) -> None:
    shop.open(TIMEOUT)
    failed(shop)
    entry = shop.bench.entry()
    other = asked(operation=entry.operation, path=entry.path, body=entry.body, account=ACCOUNT)
    shop.bench.store.begin(other, 60)
    transport = shop.open()
    error = failed(shop, timeout=1)
    assert isinstance(error, MolamTimeoutError)
    assert (error.outcome, error.idempotency_key, error.operation) == ("unknown", "order-7", "create_payment_intent")
    assert "another worker" in str(error)
    assert transport.requests == []
    assert shop.bench.entry().lease_left > 0
