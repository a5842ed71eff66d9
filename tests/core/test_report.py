"""From the last answer to the one error, with everything in it that a merchant looks for."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import (
    APIError,
    CircuitOpenError,
    InvalidRequestError,
    MolamError,
    NetworkError,
    RequestValidationError,
    ResponseError,
    ServerError,
)
from molam_sdk._core.doubts import request_of
from molam_sdk._core.evidence import Instead
from molam_sdk._core.operations import create_refund
from molam_sdk._core.problem import Problem, read_problem
from molam_sdk._core.report import Report
from molam_sdk._core.rules import RULES, judge
from molam_sdk._core.wire import Failure, NoReply, Reply, Request
from molam_sdk.exceptions import Doubt, Outcome
from molam_sdk.testing import reply


def a_report(outcome: Outcome) -> Report:
    invocation = create_refund({"payment_id": "pi_1"}, "k")
    doubt = Doubt(outcome, request_of(invocation), 1.0, None, None)
    request = Request(
        "POST", "https://api.test" + invocation.path, {"Authorization": "Bearer sk_1"}, invocation.body, 9.0
    )
    return Report(invocation, request, lambda: 0.0, doubt)


def to_error(answer: Reply | NoReply, problem: Problem | None) -> MolamError:
    return a_report("unknown").error(answer, problem, judge(answer, problem))


def of(status: int, body: Any = None) -> MolamError:
    answer = reply(status, body)
    return to_error(answer, read_problem(answer.body))


def test_an_error_answer_keeps_what_molam_said() -> None:
    body = {"error": {"code": "amount_invalid", "message": "too small", "param": "amount"}}
    error = of(422, body)
    assert isinstance(error, InvalidRequestError)
    assert (error.status_code, error.message, error.code, error.param) == (422, "too small", "amount_invalid", "amount")
    assert error.body == body


def test_an_error_without_a_readable_body_says_so() -> None:
    error = to_error(reply(500), None)
    assert isinstance(error, ServerError)
    assert (error.message, error.code, error.param, error.status_code) == ("unknown error", None, None, 500)


def test_what_is_no_status_is_an_answer_that_cannot_be_read() -> None:
    error = of(600, b"hello")
    assert isinstance(error, ResponseError)
    assert (error.message, error.status_code, error.body) == ("600 is no status of HTTP", 600, b"hello")


def test_an_unreadable_2xx_keeps_status_and_body_and_is_accepted() -> None:
    report = a_report("accepted")
    error = report.error(reply(201, b"{"), None, RULES[Instead.JSON], "no JSON")
    assert isinstance(error, ResponseError)
    assert (error.message, error.status_code, error.body) == ("no JSON", 201, b"{")
    assert error.outcome == "accepted"


def test_no_answer_keeps_its_reason_its_cause_and_when_to_come_back() -> None:
    cause = OSError("cable")
    error = to_error(NoReply(Failure.RESET, "it broke", cause, retry_after=3.0), None)
    assert type(error) is NetworkError
    assert (error.message, error.__cause__, error.retry_after) == ("it broke", cause, 3.0)
    open_circuit = to_error(NoReply(Failure.CIRCUIT_OPEN, "open", retry_after=9.5), None)
    assert isinstance(open_circuit, CircuitOpenError)
    assert open_circuit.retry_after == 9.5


@pytest.mark.parametrize("failure", [Failure.MALFORMED, Failure.TOO_LARGE])
def test_a_broken_answer_keeps_the_status_that_had_come(failure: Failure) -> None:
    error = to_error(NoReply(failure, "broken", status=201), None)
    assert isinstance(error, ResponseError)
    assert (error.message, error.status_code) == ("broken", 201)


def test_what_cannot_be_sent_is_a_validation_error() -> None:
    error = to_error(NoReply(Failure.NOT_SENDABLE, "line break"), None)
    assert isinstance(error, RequestValidationError)
    assert not isinstance(error, APIError)


def test_a_reply_is_needed_for_no_other_fact() -> None:
    assert isinstance(to_error(Reply(404, {}, b"", 0.0), None), APIError)
