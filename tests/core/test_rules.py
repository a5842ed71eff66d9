"""The outcome table of the wire contract, row by row, and how attempts add up."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from molam_sdk import exceptions
from molam_sdk._core.evidence import Instead
from molam_sdk._core.problem import read_problem
from molam_sdk._core.rules import LABELS, RETRY_LABELS, RULES, Case, Retry, Rule, combine, judge
from molam_sdk._core.wire import Failure, Headers, NoReply, Reply
from molam_sdk.exceptions import (
    APIError,
    AuthenticationError,
    BulkheadFullError,
    CircuitOpenError,
    ConflictError,
    DeclinedError,
    IdempotencyError,
    InvalidRequestError,
    MolamError,
    MolamTimeoutError,
    NetworkError,
    NotFoundError,
    Outcome,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    RequestValidationError,
    ResponseError,
    ServerError,
    SwitchedOffError,
)

MOLAM = b'{"error":{"code":"some_code","message":"m"}}'
FLAT = b'{"error":"some_code","message":"m"}'
ALREADY = b'{"error":{"code":"already_done","message":"m"}}'
RUNNING = b'{"error":{"code":"some_code","message":"This request is still being processed"}}'
IN_PROGRESS = b'{"error":{"code":"idempotency_in_progress","message":"m"}}'
REUSED = b'{"error":{"code":"idempotency_key_reused","message":"m"}}'
HTML = b"<html>"
NEVER, PAUSED, AT_ONCE = Retry.NEVER, Retry.PAUSED, Retry.AT_ONCE


MOLAMS = Headers([("X-Molam-Request-Id", "req_1")])
ANYBODYS = Headers([("X-Request-ID", "req_1")])


def judged(status: int, body: bytes = MOLAM, headers: Headers = MOLAMS) -> Rule:
    problem = None if 200 <= status < 300 else read_problem(body)
    return judge(Reply(status, headers, body, 0.0), problem)


# Under Molam's request id: status, body, outcome, retried, error, settles an earlier doubt, counts as an outage
@pytest.mark.parametrize(
    ("status", "body", "outcome", "retry", "error", "definite", "outage"),
    [
        (200, b"", "accepted", NEVER, ResponseError, True, False),
        (201, b"", "accepted", NEVER, ResponseError, True, False),
        (202, b"", "accepted", NEVER, ResponseError, True, False),
        (204, b"", "accepted", NEVER, ResponseError, True, False),
        (299, b"", "accepted", NEVER, ResponseError, True, False),
        (300, MOLAM, "unknown", NEVER, RedirectError, False, False),
        (302, HTML, "unknown", NEVER, RedirectError, False, False),
        (307, HTML, "unknown", NEVER, RedirectError, False, False),
        (399, HTML, "unknown", NEVER, RedirectError, False, False),
        (400, MOLAM, "rejected", NEVER, InvalidRequestError, True, False),
        (400, HTML, "unknown", NEVER, InvalidRequestError, False, False),
        (400, REUSED, "rejected", NEVER, InvalidRequestError, True, False),
        (401, MOLAM, "rejected", Retry.NEW_API_KEY, AuthenticationError, False, False),
        (402, MOLAM, "rejected", NEVER, DeclinedError, True, False),
        (403, MOLAM, "rejected", NEVER, PermissionDeniedError, False, False),
        (404, MOLAM, "rejected", NEVER, NotFoundError, True, False),
        (404, HTML, "unknown", NEVER, NotFoundError, False, False),
        (405, MOLAM, "rejected", NEVER, InvalidRequestError, True, False),
        (408, MOLAM, "unknown", PAUSED, InvalidRequestError, False, False),
        (402, FLAT, "rejected", NEVER, DeclinedError, True, False),
        (409, RUNNING, "unknown", PAUSED, ConflictError, False, False),
        (409, IN_PROGRESS, "unknown", PAUSED, IdempotencyError, False, False),
        (418, MOLAM, "rejected", NEVER, InvalidRequestError, True, False),
        (422, MOLAM, "rejected", NEVER, InvalidRequestError, True, False),
        (422, REUSED, "rejected", NEVER, IdempotencyError, True, False),
        (425, MOLAM, "rejected", PAUSED, InvalidRequestError, False, False),
        (429, MOLAM, "rejected", PAUSED, RateLimitError, False, False),
        (499, HTML, "unknown", NEVER, InvalidRequestError, False, False),
        (500, MOLAM, "unknown", PAUSED, ServerError, False, True),
        (501, MOLAM, "unknown", NEVER, ServerError, False, False),
        (502, HTML, "unknown", PAUSED, ServerError, False, True),
        (503, HTML, "unknown", PAUSED, ServerError, False, True),
        (504, HTML, "unknown", PAUSED, ServerError, False, True),
        (599, HTML, "unknown", NEVER, ServerError, False, False),
    ],
)
def test_what_an_answer_means(
    status: int, body: bytes, outcome: Outcome, retry: Retry, error: type[MolamError], definite: bool, outage: bool
) -> None:
    assert judged(status, body) == Rule(outcome, retry, error, str(status), definite=definite, outage=outage)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (409, MOLAM, ConflictError),
        (400, ALREADY, InvalidRequestError),
        (422, ALREADY, InvalidRequestError),
        (422, b'{"error":{"code":"refund_exceeds_captured","message":"m"}}', InvalidRequestError),
        (400, b'{"error":{"code":"x","message":"The payment was already refunded"}}', InvalidRequestError),
    ],
)
def test_a_state_that_an_earlier_attempt_may_have_made_settles_nothing_after_one(
    status: int, body: bytes, error: type[MolamError]
) -> None:
    rule = judged(status, body)
    assert rule == Rule("rejected", NEVER, error, str(status), definite=True, conflict=True)
    assert [combine(before, rule) for before in get_args(Outcome)] == ["rejected", "rejected", "unknown", "accepted"]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 410, 413, 422, 425, 429])
@pytest.mark.parametrize(
    ("headers", "body", "outcome"),
    [
        (MOLAMS, HTML, "unknown"),
        (MOLAMS, b"", "unknown"),
        (ANYBODYS, MOLAM, "rejected"),
        (ANYBODYS, FLAT, "unknown"),
        (Headers(), FLAT, "unknown"),
        (Headers(), HTML, "unknown"),
        (Headers(), b'{"type":"about:blank","title":"Forbidden","status":403}', "unknown"),
        (Headers(), b'{"error":{"code":404,"status":"Not Found","message":"m"}}', "unknown"),
    ],
)
def test_a_no_counts_where_it_is_molams(status: int, headers: Headers, body: bytes, outcome: Outcome) -> None:
    rule, row = judged(status, body, headers), judged(status)
    assert rule.outcome == outcome
    assert (rule.retry, rule.error, rule.label, rule.outage) == (row.retry, row.error, row.label, row.outage)
    assert rule.definite == (row.definite and outcome == "rejected")


@pytest.mark.parametrize("status", [400, 402, 404, 409, 422])
def test_a_no_that_may_be_molams_keeps_its_meaning_but_settles_no_doubt(status: int) -> None:
    rule = judged(status, MOLAM, Headers())
    assert (rule.outcome, rule.definite) == ("rejected", False)
    assert [combine(before, rule) for before in get_args(Outcome)] == ["rejected", "rejected", "unknown", "accepted"]


@pytest.mark.parametrize("status", [100, 199, 600, 999])
def test_a_status_that_http_does_not_have_is_an_invalid_response(status: int) -> None:
    assert judged(status) == Rule("unknown", NEVER, ResponseError, "invalid_response")


@pytest.mark.parametrize(
    ("failure", "outcome", "retry", "error", "label", "outage"),
    [
        (Failure.DNS, "not_sent", PAUSED, NetworkError, "network_error", True),
        (Failure.CONNECT, "not_sent", PAUSED, NetworkError, "network_error", True),
        (Failure.CONNECT_TIMEOUT, "not_sent", PAUSED, MolamTimeoutError, "timeout", True),
        (Failure.TLS, "not_sent", PAUSED, NetworkError, "network_error", True),
        (Failure.CERTIFICATE, "not_sent", NEVER, NetworkError, "network_error", True),
        (Failure.PROXY, "not_sent", PAUSED, NetworkError, "network_error", True),
        (Failure.LOCAL, "not_sent", NEVER, NetworkError, "network_error", False),
        (Failure.STALE, "unknown", AT_ONCE, NetworkError, "network_error", True),
        (Failure.TIMEOUT, "unknown", PAUSED, MolamTimeoutError, "timeout", True),
        (Failure.RESET, "unknown", PAUSED, NetworkError, "network_error", True),
        (Failure.INCOMPLETE, "unknown", PAUSED, NetworkError, "network_error", True),
        (Failure.MALFORMED, "unknown", NEVER, ResponseError, "invalid_response", True),
        (Failure.TOO_LARGE, "unknown", NEVER, ResponseError, "invalid_response", False),
        (Failure.INTERRUPTED, "unknown", NEVER, NetworkError, "interrupted", False),
    ],
)
def test_what_the_lack_of_an_answer_means(
    failure: Failure, outcome: Outcome, retry: Retry, error: type[MolamError], label: str, outage: bool
) -> None:
    assert judge(NoReply(failure, "why"), None) == Rule(outcome, retry, error, label, outage=outage)


@pytest.mark.parametrize(
    ("failure", "retry", "error", "label"),
    [
        (Failure.CIRCUIT_OPEN, Retry.RESOLVING, CircuitOpenError, "circuit_open"),
        (Failure.BULKHEAD_FULL, NEVER, BulkheadFullError, "bulkhead_full"),
        (Failure.SWITCHED_OFF, NEVER, SwitchedOffError, "switched_off"),
        (Failure.NOT_SENDABLE, NEVER, RequestValidationError, "invalid_request"),
        (Failure.NO_TIME, NEVER, MolamTimeoutError, "timeout"),
    ],
)
def test_an_attempt_that_never_began_says_nothing_about_molam(
    failure: Failure, retry: Retry, error: type[MolamError], label: str
) -> None:
    assert judge(NoReply(failure, "why"), None) == Rule("not_sent", retry, error, label, attempted=False)


def test_every_failure_has_a_row() -> None:
    assert {case for case in RULES if isinstance(case, Failure)} == set(Failure)


def test_an_unreadable_2xx_happened_all_the_same() -> None:
    rule = RULES[Instead.JSON]
    assert rule == Rule("accepted", NEVER, ResponseError, "invalid_response", definite=True)


def test_an_error_or_a_page_under_a_2xx_says_nothing() -> None:
    answer = Reply(200, MOLAMS, HTML, 0.0)
    assert judge(answer, None, Instead.PAGE) == Rule("unknown", NEVER, ResponseError, "invalid_response")
    assert judge(answer, None, Instead.OTHER) == Rule("unknown", PAUSED, ResponseError, "invalid_response")
    assert judge(answer, None, Instead.ERROR) == Rule("unknown", NEVER, APIError, "invalid_response")


def test_what_a_call_can_end_as() -> None:
    assert (
        *("200", "201", "204", "invalid_response"),
        *("400", "401", "402", "403", "404", "408", "409", "422", "425", "429", "500", "502", "503", "504"),
        *(
            "circuit_open",
            "bulkhead_full",
            "switched_off",
            "invalid_request",
            "timeout",
            "network_error",
            "interrupted",
        ),
    ) == LABELS


def test_what_an_attempt_can_be_repeated_for() -> None:
    assert (
        *("invalid_response", "401", "408", "409", "425", "429", "500", "502", "503", "504"),
        *("circuit_open", "network_error", "timeout"),
    ) == RETRY_LABELS


@pytest.mark.parametrize("failure", [Failure.TIMEOUT, Failure.RESET, Failure.INCOMPLETE, Failure.MALFORMED])
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "accepted"),
        (201, "accepted"),
        (299, "accepted"),
        (199, "unknown"),
        (302, "unknown"),
        (400, "rejected"),
        (402, "rejected"),
        (422, "rejected"),
        (499, "rejected"),
        (408, "unknown"),
        (409, "unknown"),  # idempotency_in_progress, perhaps: the code is lost with the body
        (500, "unknown"),
        (503, "unknown"),
    ],
)
def test_a_status_that_came_before_the_answer_broke_still_counts(
    failure: Failure, status: int, outcome: Outcome
) -> None:
    rule, row = judge(NoReply(failure, "why", None, status, MOLAMS), None), RULES[failure]
    assert (rule.outcome, rule.definite) == (outcome, False)
    assert (rule.retry, rule.label, rule.outage, rule.error) == (row.retry, row.label, row.outage, row.error)


@pytest.mark.parametrize("headers", [None, Headers(), ANYBODYS])
@pytest.mark.parametrize("status", [200, 402])
def test_a_status_in_a_head_that_is_not_molams_counts_for_nothing(headers: Headers | None, status: int) -> None:
    assert judge(NoReply(Failure.RESET, "why", None, status, headers)).outcome == "unknown"


def test_what_was_never_sent_stays_so_whatever_status_is_claimed() -> None:
    assert judge(NoReply(Failure.PROXY, "why", None, 200, MOLAMS), None).outcome == "not_sent"


@pytest.mark.parametrize(
    ("before", "now", "definite", "after"),
    [
        ("not_sent", "not_sent", False, "not_sent"),
        ("not_sent", "unknown", False, "unknown"),
        ("not_sent", "rejected", False, "rejected"),
        ("not_sent", "accepted", True, "accepted"),
        ("unknown", "not_sent", False, "unknown"),  # a refused connection after a timeout
        ("unknown", "rejected", False, "unknown"),  # a 401 or 429 after a timeout
        ("unknown", "rejected", True, "rejected"),  # Molam's own 402 under the same key
        ("unknown", "accepted", False, "accepted"),
        ("unknown", "accepted", True, "accepted"),
        ("rejected", "not_sent", False, "rejected"),
        ("rejected", "unknown", False, "unknown"),
        ("accepted", "not_sent", False, "accepted"),
        ("accepted", "unknown", False, "accepted"),
        ("accepted", "rejected", False, "accepted"),
        (
            "accepted",
            "rejected",
            True,
            "rejected",
        ),  # Molam's own word about this very request, whatever was seen before
    ],
)
def test_what_two_attempts_say_together(before: Outcome, now: Outcome, definite: bool, after: Outcome) -> None:
    assert combine(before, Rule(now, NEVER, MolamError, definite=definite)) == after


def test_doubt_only_ever_ends_by_a_definite_answer() -> None:
    outcomes = get_args(Outcome)
    for before, now in itertools.product(("unknown", "accepted"), outcomes):
        assert combine(before, Rule(now, NEVER, MolamError)) in ("unknown", "accepted")


def test_a_404_page_of_a_proxy_after_a_timeout_settles_nothing() -> None:
    assert combine("unknown", judged(404, HTML)) == "unknown"
    assert combine("unknown", judged(404)) == "rejected"


def test_an_answer_is_judged_without_a_problem_too() -> None:
    assert judge(Reply(400, MOLAMS, b"", 0.0), None).outcome == "unknown"
    assert judge(Reply(503, MOLAMS, b"", 0.0), None).outcome == "unknown"


def test_the_tree_of_errors_names_the_statuses_of_the_table() -> None:
    ruled: dict[str, set[str]] = {}
    for case, rule in RULES.items():
        if issubclass(rule.error, APIError):
            ruled.setdefault(rule.error.__name__, set()).add(_status_of(case))
    lines = re.findall(r"^    [ │├└─]+(\w+)\s+(.*)$", exceptions.__doc__ or "", re.MULTILINE)
    drawn = {name: set(re.findall(r"\b\d(?:\d\d|xx)\b", text)) for name, text in lines if name in ruled}
    assert drawn.keys() == ruled.keys()
    for name, statuses in ruled.items():
        assert drawn[name] <= statuses, name
        assert {status for status in statuses if f"{status[0]}xx" not in drawn[name]} <= drawn[name], name


def _status_of(case: Case) -> str:
    if isinstance(case, Instead):
        return case.value[:3]
    return str(case[0] if isinstance(case, tuple) else case)


def test_the_table_in_the_documents_is_that_of_the_rules() -> None:
    program = Path(__file__).resolve().parents[2] / "ci" / "generate_tables.py"
    checked = subprocess.run([sys.executable, program, "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
