"""What a client with a journal sends, gives again and refuses, and what it writes down of each call."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import (
    ClientClosedError,
    ConfigurationError,
    DeclinedError,
    InvalidRequestError,
    JournalError,
    MolamError,
    MolamTimeoutError,
    NetworkError,
    RateLimitError,
    RequestValidationError,
    ResponseError,
)
from molam_sdk._core.account import account_of
from molam_sdk.journal import Begun, End, MemoryJournal, noting
from molam_sdk.testing import reply
from molam_sdk.types import CallRecord
from tests.journalling.conftest import Shop
from tests.support.journals import asked
from tests.support.script import CUT_YES, INTENT, OK, REFUSED, TIMEOUT, error_reply

DECLINED = error_reply(402, "card_declined")
ACCOUNT = account_of({"Authorization": "Bearer sk_test_caller"})


def failed(shop: Shop, **options: Any) -> MolamError:
    with pytest.raises(MolamError) as caught:
        shop.pay(**options)
    return caught.value


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


class EndsMeanwhile:
    """A store in which another worker ends its call while this one waits."""

    def __init__(self, store: Any, end: Callable[[], object]) -> None:
        self._store = store
        self._end = end
        self.end, self.find, self.page, self.prune = store.end, store.find, store.page, store.prune

    def begin(self, asked: Any, lease_seconds: float) -> Begun:
        begun: Begun = self._store.begin(asked, lease_seconds)
        self._end()
        return begun


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


class Broken:
    """A store that fails where it is told to."""

    def __init__(self, store: Any, *fails: str) -> None:
        self.fails = set(fails)
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if name in self.fails:
            return self._fail
        return getattr(self._store, name)

    def begin(self, *arguments: Any) -> Begun:
        return self.__getattr__("begin")(*arguments)

    def end(self, *arguments: Any) -> bool:
        return self.__getattr__("end")(*arguments)

    def find(self, *arguments: Any) -> Any:
        return self.__getattr__("find")(*arguments)

    def page(self, *arguments: Any) -> Any:
        return self.__getattr__("page")(*arguments)

    def prune(self, *arguments: Any) -> Any:
        return self.__getattr__("prune")(*arguments)

    def _fail(self, *_: Any) -> Any:
        raise OSError("the disk is full\nVALUES (secret)")


def test_a_journal_that_cannot_be_written_refuses_the_call(shop: Shop) -> None:
    transport = shop.open(journal=Broken(shop.bench.store, "begin"))
    error = failed(shop)
    assert isinstance(error, JournalError)
    assert (error.outcome, error.idempotency_key, error.operation) == ("not_sent", "order-7", "create_payment_intent")
    assert "the disk is full" in str(error)
    assert "secret" not in str(error)
    assert isinstance(error.__cause__, OSError)
    assert transport.requests == []


def test_a_journal_that_cannot_be_written_does_not_hide_a_doubt(shop: Shop) -> None:
    store = Broken(shop.bench.store)
    transport = shop.open(TIMEOUT, OK, journal=store)
    failed(shop)
    store.fails = {"begin"}
    assert failed(shop).outcome == "unknown"
    assert len(transport.requests) == 1


def test_a_journal_that_need_not_be_written_is_warned_of(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.open(OK, journal=Broken(shop.bench.store, "begin"), journal_required=False)
    with caplog.at_level(logging.ERROR, "molam_sdk"):
        assert shop.pay().id == "pi_1"
    assert "a call is not in the journal" in caplog.text


def test_a_result_is_not_lost_where_its_end_cannot_be_written(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.open(OK, journal=Broken(shop.bench.store, "end"))
    with caplog.at_level(logging.ERROR, "molam_sdk"):
        assert shop.pay().id == "pi_1"
    assert "is not in the journal: recover" in caplog.text
    assert shop.bench.entry().state == "open"


@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [
        (DECLINED, DeclinedError, "rejected"),  # Molam gives the same again when it is asked again
        (REFUSED, NetworkError, "unknown"),  # recover() will carry it out
        (error_reply(429), RateLimitError, "unknown"),
        (TIMEOUT, MolamTimeoutError, "unknown"),
    ],
)
def test_an_error_is_true_of_what_recover_will_do(shop: Shop, answer: Any, kind: Any, outcome: str) -> None:
    shop.open(answer, journal=Broken(shop.bench.store, "end"))
    error = failed(shop)
    assert isinstance(error, kind)
    assert error.outcome == outcome
    assert shop.bench.entry().state == "open"


def test_a_journal_that_cannot_be_read_says_so(shop: Shop) -> None:
    shop.open(journal=Broken(shop.bench.store, "find", "page"))
    with pytest.raises(JournalError, match="cannot be read"):
        shop.caller.call("resolve", "order-7")
    with pytest.raises(JournalError, match="cannot be read"):
        shop.recovered()


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
