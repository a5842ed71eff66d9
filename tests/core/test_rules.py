"""The outcome table of the wire contract, row by row, and how attempts add up."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from molam_sdk._core.problem import Problem, read_problem
from molam_sdk._core.rules import NO_REPLY, Rule, combine, judge
from molam_sdk._core.wire import Failure, Headers, NoReply, Reply
from molam_sdk.exceptions import Outcome

MOLAM = b'{"error":{"code":"some_code","message":"m"}}'
IN_PROGRESS = b'{"error":{"code":"idempotency_in_progress","message":"m"}}'
HTML = b"<html>"


def _judge(status: int, body: bytes = MOLAM) -> Rule:
    problem = None if 200 <= status < 300 else read_problem(body)
    return judge(Reply(status, Headers(), body, 0.0), problem)


# status, body, outcome, retried, settles an earlier doubt, counts as an outage
@pytest.mark.parametrize(
    ("status", "body", "outcome", "retry", "definite", "outage"),
    [
        (200, b"", "accepted", False, True, False),
        (201, b"", "accepted", False, True, False),
        (204, b"", "accepted", False, True, False),
        (299, b"", "accepted", False, True, False),
        (300, MOLAM, "unknown", False, False, False),
        (302, HTML, "unknown", False, False, False),
        (307, HTML, "unknown", False, False, False),
        (400, MOLAM, "rejected", False, True, False),
        (400, HTML, "rejected", False, False, False),
        (401, MOLAM, "rejected", False, False, False),
        (402, MOLAM, "rejected", False, True, False),
        (403, MOLAM, "rejected", False, False, False),
        (404, MOLAM, "rejected", False, True, False),
        (404, HTML, "rejected", False, False, False),
        (408, MOLAM, "unknown", True, False, False),
        (409, MOLAM, "rejected", False, True, False),
        (409, IN_PROGRESS, "unknown", True, False, False),
        (418, MOLAM, "rejected", False, True, False),
        (422, MOLAM, "rejected", False, True, False),
        (425, MOLAM, "rejected", True, False, False),
        (429, MOLAM, "rejected", True, False, False),
        (499, HTML, "rejected", False, False, False),
        (500, MOLAM, "unknown", True, False, True),
        (501, MOLAM, "unknown", False, False, False),
        (502, HTML, "unknown", True, False, True),
        (503, HTML, "unknown", True, False, True),
        (504, HTML, "unknown", True, False, True),
        (599, HTML, "unknown", False, False, False),
    ],
)
def test_what_an_answer_means(
    status: int, body: bytes, outcome: Outcome, retry: bool, definite: bool, outage: bool
) -> None:
    rule = _judge(status, body)
    assert rule == Rule(outcome, retry, str(status), definite=definite, outage=outage)


@pytest.mark.parametrize("status", [100, 199, 600, 999])
def test_a_status_that_http_does_not_have_is_an_invalid_response(status: int) -> None:
    rule = _judge(status)
    assert (rule.outcome, rule.code, rule.retry) == ("unknown", "invalid_response", False)


@pytest.mark.parametrize(
    ("failure", "outcome", "retry", "code", "outage"),
    [
        (Failure.CIRCUIT_OPEN, "not_sent", False, "circuit_open", False),
        (Failure.BULKHEAD_FULL, "not_sent", False, "bulkhead_full", False),
        (Failure.NOT_SENDABLE, "not_sent", False, "invalid_request", False),
        (Failure.NO_TIME, "not_sent", False, "timeout", False),
        (Failure.DNS, "not_sent", True, "network_error", True),
        (Failure.CONNECT, "not_sent", True, "network_error", True),
        (Failure.CONNECT_TIMEOUT, "not_sent", True, "timeout", True),
        (Failure.TLS, "not_sent", True, "network_error", True),
        (Failure.CERTIFICATE, "not_sent", False, "network_error", True),
        (Failure.PROXY, "not_sent", True, "network_error", True),
        (Failure.STALE, "unknown", True, "network_error", True),
        (Failure.TIMEOUT, "unknown", True, "timeout", True),
        (Failure.RESET, "unknown", True, "network_error", True),
        (Failure.INCOMPLETE, "unknown", True, "network_error", True),
        (Failure.MALFORMED, "unknown", False, "invalid_response", True),
        (Failure.TOO_LARGE, "unknown", False, "invalid_response", False),
        (Failure.INTERRUPTED, "unknown", False, "interrupted", False),
    ],
)
def test_what_the_lack_of_an_answer_means(
    failure: Failure, outcome: Outcome, retry: bool, code: str, outage: bool
) -> None:
    assert judge(NoReply(failure, "why"), None) == Rule(outcome, retry, code, definite=False, outage=outage)


def test_every_failure_has_a_row() -> None:
    assert set(NO_REPLY) == set(Failure)


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
        (499, "rejected"),
        (408, "unknown"),
        (409, "unknown"),
        (500, "unknown"),
        (503, "unknown"),
    ],
)
def test_a_status_that_came_before_the_answer_broke_still_counts(
    failure: Failure, status: int, outcome: Outcome
) -> None:
    rule = judge(NoReply(failure, "why", None, status, Headers()), None)
    assert (rule.outcome, rule.definite) == (outcome, False)
    assert (rule.retry, rule.code, rule.outage) == (
        NO_REPLY[failure].retry,
        NO_REPLY[failure].code,
        NO_REPLY[failure].outage,
    )


def test_what_was_never_sent_stays_so_whatever_status_is_claimed() -> None:
    assert judge(NoReply(Failure.PROXY, "why", None, 200, Headers()), None).outcome == "not_sent"


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
        ("accepted", "rejected", True, "accepted"),  # a 2xx was seen: nothing takes it back
    ],
)
def test_what_two_attempts_say_together(before: Outcome, now: Outcome, definite: bool, after: Outcome) -> None:
    assert combine(before, Rule(now, False, "x", definite=definite)) == after


def test_doubt_only_ever_ends_by_a_definite_answer() -> None:
    outcomes = get_args(Outcome)
    for before, now in itertools.product(("unknown", "accepted"), outcomes):
        assert combine(before, Rule(now, False, "x")) in ("unknown", "accepted")


def test_a_404_page_of_a_proxy_after_a_timeout_settles_nothing() -> None:
    assert combine("unknown", _judge(404, HTML)) == "unknown"
    assert combine("unknown", _judge(404, MOLAM)) == "rejected"


def test_a_verdict_needs_no_problem() -> None:
    assert judge(Reply(400, Headers(), b"", 0.0), None).definite is False
    assert judge(Reply(409, Headers(), b"", 0.0), Problem("m", recognised=True)).outcome == "rejected"
