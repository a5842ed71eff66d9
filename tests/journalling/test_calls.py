"""What a client with a journal writes down of each call, and what it sends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import (
    ClientClosedError,
    ConfigurationError,
    InvalidRequestError,
    RequestValidationError,
    ResponseError,
)
from molam_sdk._core.account import account_of
from molam_sdk.journal import noting
from molam_sdk.testing import reply
from molam_sdk.types import CallRecord
from tests.journalling.conftest import DECLINED, EndsMeanwhile, Shop, failed
from tests.support.script import CUT_YES, INTENT, OK, REFUSED, TIMEOUT, error_reply

ACCOUNT = account_of({"Authorization": "Bearer sk_test_caller"})


def test_a_call_stands_in_the_journal_before_its_first_byte(shop: Shop) -> None:
    seen = []

    def answer(request: Any) -> Any:
        seen.append((shop.bench.entry().state, shop.bench.entry().body == request.body, shop.bench.entry().lease_left))
        return OK

    shop.open(answer)
    shop.pay(timeout=20)
    assert seen[0][:2] == ("open", True)
    assert 19 < seen[0][2] <= 21


def test_what_became_of_it_is_written_down(shop: Shop) -> None:
    shop.open(TIMEOUT, OK, max_retries=1)
    with noting(actor="user:7", trace_id="4bf92f"):
        shop.pay()
    entry = shop.bench.entry()
    assert (entry.state, entry.outcome, entry.code, entry.attempts) == ("done", None, "200", 2)
    assert (entry.request_id, entry.actor, entry.trace_id) == ("req_ok", "user:7", "4bf92f")
    assert (entry.account, entry.base_url, entry.operation) == (ACCOUNT, "https://api.test", "create_payment_intent")
    assert (entry.result.id, entry.result.request_id, entry.result.replayed) == ("pi_1", "req_ok", True)


def test_a_read_is_not_written_down(shop: Shop) -> None:
    shop.open(OK)
    shop.caller.call("retrieve_payment_intent", "pi_1")
    assert shop.bench.keys() == set()


@pytest.mark.parametrize(
    ("answer", "state", "outcome", "code"),
    [
        (DECLINED, "refused", "rejected", "402"),
        (error_reply(400), "refused", "rejected", "400"),
        (error_reply(422), "refused", "rejected", "422"),
        (error_reply(404), "refused", "rejected", "404"),
        (error_reply(409, "already_captured"), "refused", "rejected", "409"),
        (error_reply(429), "free", "rejected", "429"),
        (error_reply(401), "free", "rejected", "401"),
        (error_reply(403), "free", "rejected", "403"),
        (error_reply(402, X_Molam_Request_Id=""), "free", "rejected", "402"),
        (REFUSED, "free", "not_sent", "network_error"),
        (TIMEOUT, "open", "unknown", "timeout"),
        (error_reply(500), "open", "unknown", "500"),
        (error_reply(409, "idempotency_in_progress"), "open", "unknown", "409"),
        (reply(200, b"<html>"), "open", "unknown", "invalid_response"),
        (reply(200, {"id": 5}, {"X-Molam-Request-Id": "r"}), "open", "accepted", "invalid_response"),
        (CUT_YES, "open", "accepted", "network_error"),
    ],
)
def test_an_entry_is_closed_only_by_what_is_certain(
    shop: Shop, answer: Any, state: str, outcome: str, code: str
) -> None:
    shop.open(answer)
    error = failed(shop)
    entry = shop.bench.entry()
    assert (entry.state, entry.outcome, entry.code, entry.lease_left) == (state, outcome, code, 0.0)
    assert error.outcome == outcome


def test_a_client_that_was_closed_writes_nothing(shop: Shop) -> None:
    shop.open()
    shop.caller.call("close")
    with pytest.raises(ClientClosedError):
        shop.pay()
    assert shop.bench.keys() == set()


def test_arguments_that_are_wrong_write_nothing(shop: Shop) -> None:
    shop.open()
    with pytest.raises(RequestValidationError):
        shop.pay(amount="-1")
    with pytest.raises(RequestValidationError, match="timeout"):
        shop.pay(timeout=-1)
    assert shop.bench.keys() == set()


def test_a_key_is_made_where_none_is_given(shop: Shop) -> None:
    shop.open(OK)
    shop.pay(None)  # type: ignore[arg-type]
    (key,) = shop.bench.keys()
    assert key.startswith("pi-")


def test_the_account_of_a_callable_is_known_before_anything_is_sent(shop: Shop) -> None:
    accounts = []

    def answer(_request: Any) -> Any:
        accounts.append(shop.bench.entry().account)
        return OK

    shop.open(answer, api_key=lambda: "sk_test_caller")
    shop.pay()
    assert accounts == [ACCOUNT]


def test_a_callable_without_a_key_writes_nothing(shop: Shop) -> None:
    def no_key() -> str:
        raise RuntimeError("vault is sealed")

    transport = shop.open(api_key=no_key)
    error = failed(shop)
    assert isinstance(error, ConfigurationError)
    assert (error.outcome, shop.bench.keys(), transport.requests) == ("not_sent", set(), [])


@pytest.mark.parametrize(
    "change",
    [lambda client: client.set_api_key("sk_test_other"), lambda client: setattr(client, "base_url", "https://b.test")],
    ids=["key", "host"],
)
def test_what_is_sent_is_what_was_written_down(shop: Shop, change: Callable[[Any], None]) -> None:
    transport = shop.open(
        OK, journal=EndsMeanwhile(shop.bench.store, lambda: change(shop.caller.client))
    )  # another thread changes it just then
    error = failed(shop)
    assert isinstance(error, RequestValidationError)
    assert "was changed while this call began" in str(error)
    assert (error.outcome, transport.requests, shop.bench.entry().state) == ("not_sent", [], "free")


def test_a_key_replaced_after_a_401_is_the_one_that_is_kept(shop: Shop) -> None:
    keys = iter(["sk_test_caller", "sk_test_new"])
    shop.open(error_reply(401), OK, api_key=lambda: next(keys), max_retries=1)
    shop.pay()
    assert shop.bench.entry().account == account_of({"Authorization": "Bearer sk_test_new"})


def test_an_answer_that_cannot_be_read_any_more_is_still_a_yes(shop: Shop) -> None:
    shop.open(OK)
    shop.pay()
    shop.bench.set("order-7", "answer_body", b'{"id": 5}')
    shop.open()
    error = failed(shop)
    assert isinstance(error, ResponseError)
    assert error.outcome == "accepted"
    assert shop.bench.entry().result is None


def test_a_replay_is_told_to_observers_as_one(shop: Shop) -> None:
    records: list[CallRecord] = []

    class Watch:
        def call_started(self, _start: Any) -> None:
            return None

        def call_ended(self, record: CallRecord) -> None:
            records.append(record)

    shop.open(OK)
    shop.pay()
    transport = shop.open()
    shop.caller.client._observers = (Watch(),)
    shop.pay()
    assert (records[0].replayed, records[0].attempts, records[0].code, records[0].outcome) == (True, 0, "200", None)
    assert transport.requests == []


def test_what_hand_has_settled_binds(shop: Shop) -> None:
    shop.open(TIMEOUT, TIMEOUT)
    failed(shop)
    failed(shop, key="order-8")
    journal = shop.caller.client.journal
    shop.caller.wait(journal.settle("order-7", done=False, note="no such payment in the dashboard"))
    shop.caller.wait(journal.settle("order-8", done=True, note="pi_9 in the dashboard"))
    transport = shop.open()
    refused = failed(shop)
    assert isinstance(refused, InvalidRequestError)
    assert (refused.outcome, refused.code) == ("rejected", "settled_by_hand")
    assert "no such payment" in str(refused)
    assert failed(shop, key="order-8").outcome == "accepted"
    assert transport.requests == []


def test_what_was_deleted_is_given_again(shop: Shop) -> None:
    shop.open(TIMEOUT, error_reply(404), max_retries=1)
    assert shop.caller.call("delete_webhook_endpoint", "we_1", idempotency_key="del-1") is None
    assert (shop.bench.entry("del-1").state, shop.bench.entry("del-1").result) == ("done", None)
    transport = shop.open()
    assert shop.caller.call("delete_webhook_endpoint", "we_1", idempotency_key="del-1") is None
    assert transport.requests == []


def test_own_paths_are_journalled_too(shop: Shop) -> None:
    shop.open(reply(200, {"anything": 1.5}, {"X-Molam-Request-Id": "r"}))
    first = shop.caller.call("post", "/v1/new", {"a": 1}, idempotency_key="new-1")
    shop.open()
    assert shop.caller.call("post", "/v1/new", {"a": 1}, idempotency_key="new-1") == first


def test_an_object_found_by_a_lookup_is_the_answer_that_is_kept(shop: Shop) -> None:
    found = reply(200, INTENT | {"amount_captured": 100.5}, {"X-Molam-Request-Id": "req_found"})
    shop.open(TIMEOUT, error_reply(409, "already_captured"), found, max_retries=1)
    shop.caller.call("capture_payment_intent", "pi_1", idempotency_key="cap-1")
    assert shop.bench.entry("cap-1").result.id == "pi_1"
    shop.open()
    assert shop.caller.call("capture_payment_intent", "pi_1", idempotency_key="cap-1").status == "succeeded"


def test_a_client_without_a_journal_says_so(shop: Shop) -> None:
    shop.open(OK, journal=None)
    shop.pay()
    with pytest.raises(ConfigurationError, match="MOLAM_JOURNAL"):
        shop.caller.client.journal  # noqa: B018 - the access is the test
    with pytest.raises(ConfigurationError, match="has no journal"):
        shop.caller.client.recover()


def test_the_journal_of_a_client_that_was_made_by_a_path_is_closed_with_it(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "own.db"
    shop.open(OK, journal=str(path))
    shop.pay()
    shop.caller.call("close")
    assert (path.stat().st_mode & 0o777, [item.name for item in tmp_path.glob("own.db*")]) == (0o600, ["own.db"])
