"""An error that crosses a process loses nothing, and one that lost its facts never says that nothing was sent."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molam_sdk import exceptions
from molam_sdk._core.cursor import Cursor
from molam_sdk.exceptions import (
    APIError,
    ConfigurationError,
    DeclinedError,
    MolamError,
    NetworkError,
    ResponseError,
    SentRequest,
    ServerError,
)
from molam_sdk.models import Page, PaymentIntent

CLASSES = [
    item
    for _, item in inspect.getmembers(exceptions, inspect.isclass)
    if issubclass(item, MolamError) and item.__module__ == exceptions.__name__
]
LOCAL = ("ConfigurationError", "RequestValidationError", "ClientClosedError", "WebhookVerificationError")
OUTCOMES: tuple[exceptions.Outcome, ...] = ("not_sent", "rejected", "unknown", "accepted")
FACTS = (
    "message", "outcome", "operation", "idempotency_key", "request_id", "attempts", "elapsed", "retry_after",
    "occurred_at", "first_used_at", "account", "base_url", "request", "causes", "class_name", "next_step",
)  # fmt: skip


class ShopError(DeclinedError):
    """A merchant's own."""


def raised(kind: type[MolamError], outcome: exceptions.Outcome = "unknown", body: Any = None) -> MolamError:
    """An error as a call leaves it."""
    if issubclass(kind, APIError):
        error: MolamError = kind(402, "No.", body, "req_1", code="card_declined", param="card")
    elif kind is ResponseError:
        error = ResponseError("not JSON", status_code=200, body=b"<html>\xff")
    else:
        error = kind("went wrong")
    error.outcome = outcome
    error.operation, error.idempotency_key, error.request_id = "create_refund", "order-7", "req_1"
    error.attempts, error.elapsed, error.retry_after = 3, 1.5, 2.0
    error.first_used_at, error.account, error.base_url = 1_800_000_000.25, "acct:1f", "https://api.molam.test"
    error.request = SentRequest("create_refund", "POST", "/v1/connect/refunds", b'{"a":"\xc3\xa9\xff"}', "order-7")
    error.__cause__ = ConnectionResetError("by the peer")
    return error


def through_json(error: MolamError) -> MolamError:
    return MolamError.from_dict(json.loads(json.dumps(error.to_dict(), allow_nan=False)))


def as_celery_does(error: MolamError) -> MolamError:
    """``Backend.prepare_exception`` and ``exception_to_python`` of celery, with the json serializer between."""
    args = json.loads(json.dumps(error.args, allow_nan=False))
    rebuilt: MolamError = type(error)(*args)
    return rebuilt


def facts_of(error: MolamError) -> dict[str, Any]:
    more = [name for name in ("status_code", "body", "code", "param") if hasattr(error, name)]
    return {name: getattr(error, name) for name in (*FACTS, *more)} | {"text": str(error), "type": type(error)}


@pytest.mark.parametrize("travel", [through_json, as_celery_does, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_arrives_whole(kind: type[MolamError], outcome: exceptions.Outcome, travel: Any) -> None:
    error = raised(kind, outcome)
    arrived = travel(error)
    assert facts_of(arrived) == facts_of(error)
    assert arrived.to_dict() == error.to_dict()
    assert facts_of(travel(arrived)) == facts_of(error)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_holds_the_new_facts_and_the_causes(protocol: int) -> None:
    error = raised(NetworkError)
    assert facts_of(pickle.loads(pickle.dumps(error, protocol))) == facts_of(error)
    assert error.causes == ("ConnectionResetError: by the peer",)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="ExceptionGroup came with Python 3.11")
def test_the_members_of_a_group_arrive_whole() -> None:
    error = raised(ServerError)
    group = pickle.loads(pickle.dumps(ExceptionGroup("two", [error, ValueError("x")])))  # noqa: F821
    assert facts_of(group.exceptions[0]) == facts_of(error)


@pytest.mark.parametrize(
    "body",
    [
        None, "a page", {}, {"error": {"code": "x", "n": [1, 2.5, True, None]}}, {"n": float("nan")},
        {"amount": Decimal("10.10"), "raw": b"\x00\xff", "t": (1, "a")}, {1: "one", None: 2}, {"$": "bytes"},
        {"$": "tuple", "value": 5}, {"__type__": "decimal", "__value__": "x"}, {"e": float("inf"), "big": 10**40},
        {"text": "\ud800 \x00 é 😀"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("travel", [through_json, as_celery_does])
def test_a_body_arrives_whole(body: Any, travel: Any) -> None:
    arrived = travel(raised(DeclinedError, "rejected", body))
    assert repr(arrived.body) == repr(body)


def test_a_body_that_is_nested_too_deeply_for_a_parser_arrives() -> None:
    body: dict[str, Any] = {}
    for _ in range(300):
        body = {"a": [body]}
    assert through_json(raised(DeclinedError, body=body)).body == body  # type: ignore[attr-defined]


def test_what_nobody_knows_arrives_as_text() -> None:
    arrived = through_json(raised(DeclinedError, body={"when": {1}}))
    assert arrived.body == {"when": "{1}"}  # type: ignore[attr-defined]


def test_celery_finds_no_envelope_of_its_own_in_what_a_server_said() -> None:
    """kombu reads ``{"__type__", "__value__"}`` as a value of that type, and fails where it is none."""
    text = json.dumps(raised(DeclinedError, body={"__type__": "decimal", "__value__": "x"}).args)
    assert '"__type__":' not in text


def test_a_class_that_is_not_known_here_becomes_the_nearest_and_keeps_its_name() -> None:
    arrived = through_json(raised(ShopError, "rejected"))
    assert (type(arrived), arrived.class_name, arrived.outcome) == (DeclinedError, "ShopError", "rejected")
    assert "class=ShopError" in str(arrived)
    assert through_json(arrived).to_dict() == arrived.to_dict()
    assert type(as_celery_does(raised(ShopError))) is ShopError


def test_a_class_of_a_newer_sdk_becomes_the_nearest_of_this_one() -> None:
    facts = raised(DeclinedError).to_dict() | {"class": "StolenCardError"}
    facts["bases"] = ["StolenCardError", "DeclinedError", "APIError", "MolamError"]
    assert type(MolamError.from_dict(facts)) is DeclinedError
    arrived = MolamError.from_dict(facts | {"bases": ["StolenCardError"]})
    assert (type(arrived), arrived.class_name, arrived.idempotency_key) == (MolamError, "StolenCardError", "order-7")


def test_nothing_named_in_the_facts_is_imported_or_run() -> None:
    for name in ("os.system", "system", "builtins.eval", "__import__", "_rebuild", "SentRequest", "Outcome"):
        arrived = MolamError.from_dict(raised(NetworkError).to_dict() | {"class": name, "bases": [name]})
        assert type(arrived) is MolamError


def test_an_error_of_a_newer_version_keeps_its_key_and_is_unknown() -> None:
    arrived = MolamError.from_dict(raised(ConfigurationError, "not_sent").to_dict() | {"v": 2})
    assert (type(arrived), arrived.outcome) == (MolamError, "unknown")
    assert (arrived.idempotency_key, arrived.request_id, arrived.operation) == ("order-7", "req_1", "create_refund")
    assert "newer SDK wrote it: version 2" in str(arrived)


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "fine"}, {"outcome": None}, {"outcome": ["unknown"]}, {"attempts": "3"}, {"attempts": True},
        {"message": None}, {"elapsed": "1"}, {"idempotency_key": 7}, {"first_used_at": "now"}, {"account": b"x".hex},
        {"request": "GET /"}, {"request": {"method": "POST"}}, {"request": []}, {"body": 7}, {"causes": "x"},
        {"notes": [1]}, {"body": {"$": "bytes", "value": "é"}}, {"body": {"$": "decimal", "value": "x"}},
        {"body": {"$": "decimal", "value": []}}, {"body": {"$": "mapping", "value": [1]}}, {"body": {"$": "os"}},
        {"body": {"$": "mapping", "value": [[{}, 1]]}}, {"v": "1"}, {"v": None}, {"v": True}, {"v": 0},
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [ConfigurationError, DeclinedError])
def test_facts_that_cannot_be_believed_are_unknown(kind: type[MolamError], change: dict[str, Any]) -> None:
    facts = raised(kind, "not_sent").to_dict() | change
    assert MolamError.from_dict(facts).outcome == "unknown"
    assert kind("text", facts).outcome == "unknown"


def test_bases_that_cannot_be_read_are_unknown() -> None:
    assert MolamError.from_dict(raised(ConfigurationError, "not_sent").to_dict() | {"bases": None}).outcome == "unknown"


@pytest.mark.parametrize("lacking", ["v", "outcome", "message", "occurred_at"])
def test_facts_that_lack_something_are_unknown(lacking: str) -> None:
    facts = raised(ConfigurationError, "not_sent").to_dict()
    del facts[lacking]
    assert MolamError.from_dict(facts).outcome == "unknown"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["$", "value", "v", "bases"]), inner),
    max_leaves=10,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(JSON)
def test_rubbish_is_a_plain_unknown_error(rubbish: Any) -> None:
    arrived = MolamError.from_dict(rubbish)
    assert (type(arrived), arrived.outcome) == (MolamError, "unknown")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(st.dictionaries(st.text() | st.sampled_from(["$", "__type__", "value"]), JSON))
def test_any_body_arrives(body: dict[str, Any]) -> None:
    assert repr(through_json(raised(DeclinedError, body=body)).body) == repr(body)  # type: ignore[attr-defined]


ARGUMENTS: list[tuple[Any, ...]] = [
    (), ("went wrong",), ("went wrong", None), ("a", "b", "c", "d", "e", "f"), (None,), ("x", {"v": 7}), ({"v": 1},),
    ("x", "", None, None, {"v": 1, "class": "ConfigurationError", "outcome": "not_sent"}),
]  # fmt: skip


@pytest.mark.parametrize("arguments", ARGUMENTS)
@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind.__name__ not in LOCAL])
def test_an_error_made_of_a_text_is_unknown_and_says_so(kind: type[MolamError], arguments: tuple[Any, ...]) -> None:
    error = kind(*arguments)
    assert error.outcome == "unknown"
    assert error.money_may_have_moved
    assert "facts of the call are lost" in str(error)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind is not exceptions.WebhookVerificationError])
def test_an_error_made_of_the_text_of_another_is_unknown(kind: type[MolamError], outcome: exceptions.Outcome) -> None:
    assert kind(str(raised(kind, outcome))).outcome == "unknown"


@pytest.mark.parametrize("name", LOCAL)
def test_an_error_of_a_check_before_sending_says_not_sent(name: str) -> None:
    error = getattr(exceptions, name)("wrong")
    assert (error.outcome, error.args) == ("not_sent", ("wrong",))
    assert as_celery_does(error).outcome == "not_sent"


@pytest.mark.parametrize("name", LOCAL)
def test_such_an_error_with_another_outcome_never_comes_back_as_not_sent(name: str) -> None:
    """As where the callable that gives the API key fails after an attempt was lost."""
    error = getattr(exceptions, name)("wrong", outcome="unknown")
    assert as_celery_does(error).outcome == "unknown"
    assert through_json(error).outcome == "unknown"


def test_a_merchants_error_keeps_what_its_class_says() -> None:
    assert DeclinedError(402, "No").outcome == "rejected"
    assert as_celery_does(DeclinedError(402, "No")).outcome == "rejected"
    assert ServerError(503, "later").outcome == "unknown"


def test_notes_arrive() -> None:
    error = raised(NetworkError)
    error.__dict__["__notes__"] = ["while paying order 7"]
    assert through_json(error).__dict__["__notes__"] == ["while paying order 7"]


def test_a_chain_of_causes_that_bites_its_tail_ends() -> None:
    error, other = raised(NetworkError), ValueError("x")
    error.__cause__, other.__cause__ = other, error
    assert error.causes == ("ValueError: x",)


def test_a_context_that_was_suppressed_is_no_cause() -> None:
    error = NetworkError("x")
    error.__context__ = ValueError("context")
    assert error.causes == ("ValueError: context",)
    error.__suppress_context__ = True
    assert error.causes == ()


def test_a_list_that_does_not_move_on_has_moved_no_money() -> None:
    cursor: Cursor[PaymentIntent] = Cursor({})
    with pytest.raises(ResponseError) as caught:
        cursor.turn_to(Page(data=[], has_more=True))
    assert caught.value.outcome == "rejected"
