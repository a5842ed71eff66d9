"""Every way in which a claim was once false of the payment, against servers with a record of their own, row by row."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import DeclinedError, MolamError, RequestValidationError
from molam_sdk._core.record import CallRecord, CallStart
from tests.money.bank import INTENT, Bank, intent
from tests.support.caller import Caller
from tests.support.http_server import (
    MOLAMS,
    Serve,
    Turn,
    Wire,
    answer,
    error,
    html,
    http,
    then_close,
    then_hang,
    then_reset,
)

HOUR = 3600.0
ORDER = {"amount": 5, "currency": "USD"}
PAYOUT = {"amount": 5, "currency": "USD", "beneficiary": "b", "origin_module": "m", "origin_entity": "e"}
LOST = then_reset()
PROXYS_ID = ("X-Request-ID", "envoy-1")

STRANGERS: dict[str, tuple[int, Any]] = {
    "Spring Boot": (404, {"timestamp": "t", "status": 404, "error": "Not Found", "path": "/v1/connect"}),
    "YARP": (413, {"type": "https://tools.ietf.org/html/rfc9110#section-15.5.14", "title": "Payload Too Large"}),
    "RFC 9457": (400, {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "odd"}),
    "Oathkeeper": (404, {"error": {"code": 404, "status": "Not Found", "message": "no rule matched"}}),
    "Fastify": (413, {"statusCode": 413, "code": "FST_ERR", "error": "Payload Too Large", "message": "too large"}),
    "a firewall's page": (403, b"<html>Request blocked</html>"),
    "an empty 400": (400, b""),
    "an empty 404": (404, b""),
    "a 409 page": (409, b"<html>"),
    "a 401 page": (401, b"<html>Sign in</html>"),
    "a 429 page": (429, b"<html>slow down</html>"),
    "a redirect": (302, b""),
    "a maintenance page": (200, b"<html>Back soon</html>"),
    "a captive portal": (200, b"<html>Accept our terms</html>"),
    "an empty 200": (200, b""),
    "an empty 204": (204, None),
    "an error under 200": (200, {"error": {"code": "maintenance", "message": "m"}}),
    "a coded error under 200": (200, {"error": {"code": 503, "message": "m"}}),
}


@pytest.fixture
def bank(serve: Serve) -> Bank:
    return Bank(serve)


def make(caller: Caller, bank: Bank, **options: Any) -> Any:
    return caller.make(bank.url, **{"retry_backoff_factor": 0.001, "max_retries": 1} | options)


def failing(caller: Caller, name: str, *arguments: Any, **options: Any) -> MolamError:
    with pytest.raises(MolamError) as caught:
        caller.call(name, *arguments, **options)
    return caught.value


def paying(caller: Caller, **options: Any) -> MolamError:
    return failing(caller, "create_payment_intent", ORDER, idempotency_key="order-7", **options)


@pytest.mark.parametrize(
    "later",
    [error(429, "slow_down"), error(401, "bad_key"), error(403, "scope"), html(404), LOST, None],
    ids=["429", "401", "403", "a page", "reset", "open breaker"],
)
def test_row_1_a_later_call_under_a_key_in_doubt(caller: Caller, bank: Bank, later: Turn | None) -> None:
    client = make(caller, bank, max_retries=0)
    bank.play(bank.carry_out(LOST))
    assert paying(caller).outcome == "unknown"
    if later is None:
        client.cb.open()
    else:
        bank.play(later)
    assert bank.says_the_truth(paying(caller).outcome)


def test_row_1_a_connection_that_is_refused(caller: Caller, bank: Bank) -> None:
    make(caller, bank, max_retries=0)
    bank.play(bank.carry_out(LOST))
    paying(caller)
    bank.server.refuse()
    assert bank.says_the_truth(paying(caller).outcome)


@pytest.mark.parametrize("refusal", ["a closed client", "a timeout of nothing"])
@pytest.mark.parametrize("journal", [False, True], ids=["memory alone", "a journal"])
def test_row_1_a_call_that_cannot_begin_says_what_is_in_doubt(
    caller: Caller, bank: Bank, tmp_path: Path, refusal: str, journal: bool
) -> None:
    kept = {"journal": f"sqlite:///{tmp_path / 'journal.db'}"} if journal else {}
    client = make(caller, bank, max_retries=0, **kept)
    bank.play(bank.carry_out(LOST), intent())
    paying(caller)
    options = {} if refusal == "a closed client" else {"timeout": 0}
    if not options:
        caller.wait(client.close())
    another = failing(caller, "create_payment_intent", ORDER | {"amount": 6}, idempotency_key="order-7", **options)
    assert another.outcome == "not_sent"
    again = paying(caller, **options)
    assert bank.says_the_truth(again.outcome)
    make(caller, bank, **kept)
    assert caller.call("resolve", again).id == "pi_1"


def test_row_1_the_same_order_in_other_words_is_the_same_request(caller: Caller, bank: Bank) -> None:
    make(caller, bank, max_retries=0)
    bank.play(bank.carry_out(LOST), intent())
    first = {"amount": 5, "currency": "USD", "metadata": {"a": 1, "b": {"c": 2, "d": 3}}}
    again = {"metadata": {"b": {"d": 3, "c": 2}, "a": 1}, "currency": "usd", "amount": "5.00"}
    assert failing(caller, "create_payment_intent", first, idempotency_key="order-7").outcome == "unknown"
    assert caller.call("create_payment_intent", again, idempotency_key="order-7").id == "pi_1"
    assert len({seen.body for seen in bank.server.requests}) == 1


class Full:
    """Told when a full bulkhead has refused a call."""

    def __init__(self) -> None:
        self.refused = threading.Event()

    def call_started(self, _start: CallStart) -> None:
        pass

    def call_ended(self, record: CallRecord) -> None:
        if record.code == "bulkhead_full":
            self.refused.set()


def test_row_1_a_bulkhead_that_is_full(caller: Caller, bank: Bank) -> None:
    full = Full()
    make(caller, bank, max_retries=0, bulkheads={"payments": 1}, observers=[full])
    bank.play(bank.carry_out(LOST), bank.carry_out(LOST))
    for key in ("a", "b"):
        failing(caller, "create_payment_intent", ORDER, idempotency_key=key)
    bank.play(lambda wire: full.refused.wait(10) and intent()(wire))
    calls = [("create_payment_intent", (ORDER,), {"idempotency_key": key}) for key in ("a", "b")]
    outcomes = [getattr(result, "outcome", "done") for result in caller.together(calls)]
    assert sorted(outcomes) == ["done", "unknown"]


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("fields", [[], [PROXYS_ID]], ids=["bare", "with the proxy's id"])
def test_rows_2_4_5_a_stranger_answers_in_molams_place(
    caller: Caller, bank: Bank, stranger: tuple[int, Any], fields: list[tuple[str, str]]
) -> None:
    status, body = stranger
    says = answer(status, body, fields)
    make(caller, bank)
    bank.play(bank.carry_out(LOST), says, says)
    assert paying(caller).outcome == "unknown"  # after a doubt
    bank.executed.clear()
    make(caller, bank, max_retries=0)
    bank.server.script[:] = [bank.carry_out(says)]
    assert paying(caller).outcome == "unknown"  # carried out, its answer replaced
    bank.executed.clear()
    make(caller, bank, max_retries=0)
    bank.server.script[:] = [says]
    assert paying(caller).outcome == "unknown"  # nothing happened


@pytest.mark.parametrize(
    ("name", "status", "code", "found"),
    [
        ("confirm_payment_intent", 409, "already_confirmed", "succeeded"),
        ("capture_payment_intent", 409, "already_captured", "succeeded"),
        ("cancel_payment_intent", 400, "already_canceled", "canceled"),
    ],
)
def test_row_3_a_state_of_our_own_making_is_looked_up(
    caller: Caller, bank: Bank, name: str, status: int, code: str, found: str
) -> None:
    make(caller, bank)
    bank.play(bank.carry_out(LOST), error(status, code), intent(found))
    assert caller.call(name, "pi_1").status == found
    assert [seen.line.split()[0] for seen in bank.server.requests] == ["POST", "POST", "GET"]


@pytest.mark.parametrize(
    ("name", "argument", "status", "code"),
    [
        ("create_refund", {"payment_id": "pi_1"}, 400, "charge_already_refunded"),
        ("create_refund", {"payment_id": "pi_1"}, 422, "refund_exceeds_captured"),
        ("create_refund", {"payment_id": "pi_1"}, 409, "request_in_progress"),
        ("confirm_payment_intent", "pi_1", 409, "processing_in_progress"),
    ],
)
def test_row_3_what_cannot_be_looked_up_stays_unknown(
    caller: Caller, bank: Bank, name: str, argument: Any, status: int, code: str
) -> None:
    make(caller, bank)
    bank.play(bank.carry_out(LOST), error(status, code))
    assert bank.says_the_truth(failing(caller, name, argument).outcome)


def test_row_5_resolve_of_an_accepted_that_is_declined_says_rejected(caller: Caller, bank: Bank) -> None:
    make(caller, bank, max_retries=0)
    bank.play(then_close(http(201, INTENT, [MOLAMS])[:-5]), error(402, "card_declined"))
    accepted = paying(caller)
    assert accepted.outcome == "accepted"
    declined = failing(caller, "resolve", accepted)
    assert (type(declined), declined.outcome) == (DeclinedError, "rejected")


def test_row_6_the_age_of_a_key_is_counted_from_its_first_use(caller: Caller, bank: Bank) -> None:
    newest: MolamError | None = None
    for hour in range(0, 30, 5):
        make(caller, bank, max_retries=0)  # by another worker each time, which remembers nothing
        if newest is None:
            bank.play(bank.carry_out(LOST))
            bank.server.usual = LOST
            newest = paying(caller)
            continue
        assert newest.first_used_at is not None
        newest.first_used_at -= 5 * HOUR  # five hours later
        if hour < 23:
            newest = failing(caller, "resolve", newest, timeout=0.2)
            assert newest.outcome == "unknown"
        else:
            with pytest.raises(RequestValidationError, match="first used 25 h ago"):
                caller.call("resolve", newest)
    assert len(bank.executed) == 1


@pytest.mark.parametrize("elsewhere", ["tenant", "base URL", "region"])
def test_row_7_resolve_asks_nobody_else(caller: Caller, serve: Serve, bank: Bank, elsewhere: str) -> None:
    other = Bank(serve)
    other.play(other.carry_out(intent()))
    client = make(caller, bank, max_retries=0)
    bank.play(bank.carry_out(LOST))
    lost = paying(caller)
    if elsewhere == "region":
        client.set_region("eu-west")
    else:
        tenant = {"api_key": "sk_test_tenant_b"} if elsewhere == "tenant" else {}
        make(caller, bank if tenant else other, **tenant)
    with pytest.raises(RequestValidationError, match="carry it out twice") as caught:
        caller.call("resolve", lost)
    assert caught.value.outcome == "not_sent"
    assert (len(bank.executed), other.executed, len(bank.server.requests)) == (1, [], 1)


def test_row_12_an_error_that_travels_keeps_its_claim_and_can_be_resolved(caller: Caller, bank: Bank) -> None:
    make(caller, bank, max_retries=0)
    bank.play(bank.carry_out(LOST), intent())
    lost = paying(caller)
    travelled = MolamError.from_dict(json.loads(json.dumps(lost.to_dict())))
    assert bank.says_the_truth(travelled.outcome)
    assert bank.says_the_truth(type(lost)(str(lost)).outcome)  # from its text alone
    make(caller, bank)
    assert caller.call("resolve", travelled).id == "pi_1"
    assert {seen.key for seen in bank.server.requests} == {"order-7"}


def test_row_14_an_answer_to_somebody_else_is_not_ours(caller: Caller, bank: Bank) -> None:
    make(caller, bank)
    stray = http(201, INTENT | {"id": "pi_stray", "status": "succeeded"}, [MOLAMS])

    def twice(wire: Wire) -> bool:
        """Answers, and once more when the next request is under way: what came unasked would be seen before."""
        assert intent()(wire)
        wire.sock.settimeout(5)
        bank.server.requests.append(bank.server.requests[-1])
        wire.sock.recv(65536)  # the next request
        wire.send(stray)
        wire.hang()
        return False

    bank.play(twice, bank.carry_out(intent("failed", id="pi_2", amount=900, currency="EUR")))
    assert caller.call("create_payment_intent", ORDER, idempotency_key="order-7").id == "pi_1"
    ours = caller.call("create_payment_intent", {"amount": 900, "currency": "EUR"}, idempotency_key="order-8")
    assert (ours.id, ours.status, ours.attempts) == ("pi_2", "failed", 2)
    assert len(bank.executed) == 1
    assert bank.server.connections == 2


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("create_refund", ({"payment_id": "pi_1", "amount": 5},)),
        ("create_payout", (PAYOUT,)),
        ("capture_payment_intent", ("pi_1",)),
        ("cancel_payment_intent", ("pi_2",)),
    ],
)
@pytest.mark.parametrize("stray", [intent(amount_captured=3), answer(200, {"data": [INTENT]}, [MOLAMS])])
def test_row_14_the_answer_to_another_operation_is_no_evidence_of_this_one(
    caller: Caller, bank: Bank, name: str, arguments: tuple[Any, ...], stray: Turn
) -> None:
    make(caller, bank, max_retries=0)
    bank.play(stray)
    assert failing(caller, name, *arguments).outcome == "unknown"


def test_row_14_a_stray_answer_to_the_end_leaves_the_payment_unknown(caller: Caller, bank: Bank) -> None:
    make(caller, bank)
    bank.play(*[bank.carry_out(intent(id="pi_9", amount=900, currency="EUR"))] * 2)
    problem = paying(caller)
    assert problem.outcome == "unknown"
    assert "amount 5 was asked for, 900 came" in problem.message


def test_row_17_what_is_lost_is_found_by_its_key(caller: Caller, bank: Bank) -> None:
    make(caller, bank, max_retries=0, timeout_read=0.2)
    bank.play(bank.carry_out(then_hang()), intent())
    paying(caller)
    assert [doubt.idempotency_key for doubt in caller.client.in_doubt()] == ["order-7"]
    assert caller.call("resolve", "order-7").id == "pi_1"
    assert caller.client.in_doubt() == ()
