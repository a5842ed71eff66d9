"""Errors tell the whole story, survive a pickle, and stand in the tree that is drawn."""

from __future__ import annotations

import builtins
import copy
import inspect
import pickle
import re
from typing import Any

import pybreaker
import pytest

import molam_sdk
from molam_sdk import exceptions
from molam_sdk.exceptions import APIError, MolamError, ResponseError, SentRequest

CLASSES = [
    item
    for _, item in inspect.getmembers(exceptions, inspect.isclass)
    if issubclass(item, MolamError) and item.__module__ == exceptions.__name__
]


def _make(kind: type[MolamError]) -> MolamError:
    if issubclass(kind, APIError):
        body = {"error": {"code": "card_declined"}}
        error: MolamError = kind(402, "No.", body, "req_1", code="card_declined", param="p")
    elif kind is ResponseError:
        error = ResponseError("not JSON", status_code=200, body=b"<html>")
    else:
        error = kind("went wrong")
    error.outcome = "unknown"
    error.operation, error.idempotency_key, error.request_id = "create_refund", "order-7", "req_1"
    error.attempts, error.elapsed, error.retry_after = 3, 1.5, 2.0
    error.request = SentRequest("create_refund", "POST", "/v1/connect/refunds", b'{"a":1}', "order-7")
    return error


def _through_pickle(protocol: int) -> Any:
    return lambda error: pickle.loads(pickle.dumps(error, protocol))


DUPLICATES = [copy.copy, copy.deepcopy, *map(_through_pickle, range(pickle.HIGHEST_PROTOCOL + 1))]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_every_error_is_copied_and_pickled_whole(kind: type[MolamError], duplicate: Any) -> None:
    error = _make(kind)
    twin = duplicate(error)
    assert type(twin) is kind
    assert (twin.args, str(twin), twin.__dict__) == (error.args, str(error), error.__dict__)


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (exceptions.__doc__ or "").splitlines():
        found = re.match(r"^    ([ │├└─]*)(\w+(?:Error))\s", line)
        if found:
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            drawn[found[2]] = path[depth - 1] if depth else ""
    real = {kind.__name__: kind.__bases__[0].__name__ for kind in CLASSES if kind is not MolamError}
    assert drawn == real | {"MolamError": ""}


def test_every_error_is_public() -> None:
    assert {kind.__name__ for kind in CLASSES} <= set(molam_sdk.__all__)


def test_what_else_the_errors_are() -> None:
    assert issubclass(exceptions.MolamTimeoutError, builtins.TimeoutError)
    assert exceptions.TimeoutError is exceptions.MolamTimeoutError
    assert issubclass(exceptions.CircuitOpenError, pybreaker.CircuitBreakerError)
    assert issubclass(exceptions.RequestValidationError, ValueError)


def test_a_merchant_can_make_an_api_error_for_their_tests() -> None:
    error = APIError(402, "Your card was declined", {"error": {}}, "req_9")
    assert error.args == (402, "Your card was declined", {"error": {}}, "req_9")
    assert (error.status_code, error.message, error.request_id) == (402, "Your card was declined", "req_9")
    assert error.outcome == "rejected"


def test_the_text_begins_with_the_status_and_holds_the_request_id() -> None:
    text = str(_make(exceptions.DeclinedError))
    assert text.startswith("402 card_declined: No (")
    assert "request_id=req_1" in text
    assert "param=p" in text


def test_a_response_error_begins_with_its_status() -> None:
    assert str(_make(ResponseError)).startswith("200 not JSON (")


@pytest.mark.parametrize(
    ("outcome", "method", "moved", "step"),
    [
        ("not_sent", "POST", False, "went wrong"),
        ("rejected", "POST", False, "went wrong"),
        ("unknown", "POST", True, "resolve"),
        ("accepted", "POST", True, "carried this out"),
        ("unknown", "GET", False, "moves no money"),
        ("accepted", "GET", False, "moves no money"),
    ],
)
def test_the_next_step_follows_from_the_outcome(outcome: Any, method: str, moved: bool, step: str) -> None:
    error = _make(MolamError)
    error.outcome = outcome
    error.request = SentRequest("x", method, "/", None, "order-7")
    assert error.money_may_have_moved is moved
    assert step in str(error)
    assert ("order-7" in error.next_step) is moved


def test_an_unknown_outcome_without_a_key_still_says_what_to_do() -> None:
    error = MolamError("x", outcome="unknown")
    assert error.money_may_have_moved
    assert "same idempotency key, never a new one" in error.next_step


def test_the_body_of_the_request_is_not_in_a_repr() -> None:
    assert "secret" not in repr(SentRequest("x", "POST", "/", b"secret", None))


def test_a_webhook_error_is_only_its_message() -> None:
    assert str(exceptions.WebhookVerificationError("Signature mismatch")) == "Signature mismatch"


def test_an_error_without_a_message_shows_its_class() -> None:
    assert str(MolamError()).startswith("MolamError (outcome=unknown)")
