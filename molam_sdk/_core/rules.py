"""What one answer, or the lack of one, says about the money; and what several attempts say together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..exceptions import Outcome
from .problem import Problem
from .wire import Failure, NoReply, Reply


@dataclass(frozen=True, slots=True)
class Rule:
    """What an attempt's end means.

    ``definite``: Molam spoke about this very request, so that an earlier doubt is settled.
    ``code``: what the metrics call it. ``outage``: whether it counts against the breaker.
    """

    outcome: Outcome
    retry: bool
    code: str
    definite: bool = False
    outage: bool = False


# Retried: what may pass and is safe under one key (field.md: never a certificate error, never a local one).
#                              outcome      retry  code
NO_REPLY: Final[dict[Failure, Rule]] = {
    Failure.CIRCUIT_OPEN:    Rule("not_sent", False, "circuit_open"),
    Failure.BULKHEAD_FULL:   Rule("not_sent", False, "bulkhead_full"),
    Failure.NOT_SENDABLE:    Rule("not_sent", False, "invalid_request"),
    Failure.NO_TIME:         Rule("not_sent", False, "timeout"),
    Failure.DNS:             Rule("not_sent", True, "network_error", outage=True),
    Failure.CONNECT:         Rule("not_sent", True, "network_error", outage=True),
    Failure.CONNECT_TIMEOUT: Rule("not_sent", True, "timeout", outage=True),
    Failure.TLS:             Rule("not_sent", True, "network_error", outage=True),
    Failure.CERTIFICATE:     Rule("not_sent", False, "network_error", outage=True),
    Failure.PROXY:           Rule("not_sent", True, "network_error", outage=True),
    Failure.LOCAL:           Rule("not_sent", False, "network_error"),
    Failure.STALE:           Rule("unknown", True, "network_error", outage=True),
    Failure.TIMEOUT:         Rule("unknown", True, "timeout", outage=True),
    Failure.RESET:           Rule("unknown", True, "network_error", outage=True),
    Failure.INCOMPLETE:      Rule("unknown", True, "network_error", outage=True),
    Failure.MALFORMED:       Rule("unknown", False, "invalid_response", outage=True),
    Failure.TOO_LARGE:       Rule("unknown", False, "invalid_response"),
    Failure.INTERRUPTED:     Rule("unknown", False, "interrupted"),
}  # fmt: skip

# Answers by status; a code of the body makes a row of its own. Every status that has no row: see _by_class.
STATUS: Final[dict[int | tuple[int, str], Rule]] = {
    401: Rule("rejected", False, "401"),
    403: Rule("rejected", False, "403"),
    408: Rule("unknown", True, "408"),
    (409, "idempotency_in_progress"): Rule("unknown", True, "409"),
    425: Rule("rejected", True, "425"),
    429: Rule("rejected", True, "429"),
    500: Rule("unknown", True, "500", outage=True),
    502: Rule("unknown", True, "502", outage=True),
    503: Rule("unknown", True, "503", outage=True),
    504: Rule("unknown", True, "504", outage=True),
}

# The stronger doubt stays when attempt follows attempt; only a definite answer replaces it, and nothing
# replaces "accepted": a 2xx has been seen, and no later answer takes that back.
_STRENGTH: Final[dict[Outcome, int]] = {"not_sent": 0, "rejected": 1, "unknown": 2, "accepted": 3}


def judge(answer: Reply | NoReply, problem: Problem | None) -> Rule:
    """The rule on one attempt. ``problem`` is the parsed body of an error answer."""
    if isinstance(answer, NoReply):
        return _judge_no_reply(answer)
    if 200 <= answer.status < 300:
        return Rule("accepted", False, str(answer.status), definite=True)
    code = problem.code if problem is not None and problem.code is not None else ""
    rule = STATUS.get((answer.status, code)) or STATUS.get(answer.status)
    return rule or _by_class(answer.status, from_molam=problem is not None and problem.recognised)


def combine(before: Outcome, rule: Rule) -> Outcome:
    """The outcome of the whole call once this attempt has ended as ``rule`` says."""
    if before == "accepted" or (rule.definite and rule.outcome == "accepted"):
        return "accepted"
    if rule.definite or _STRENGTH[rule.outcome] > _STRENGTH[before]:
        return rule.outcome
    return before


def _judge_no_reply(answer: NoReply) -> Rule:
    row = NO_REPLY[answer.failure]
    if answer.status is None or row.outcome != "unknown":
        return row
    # The head had come: its status tells what the lost body would have explained.
    if 200 <= answer.status < 300:
        return Rule("accepted", row.retry, row.code, outage=row.outage)
    if 400 <= answer.status < 500 and answer.status not in (408, 409):
        return Rule("rejected", row.retry, row.code, outage=row.outage)
    return row


def _by_class(status: int, *, from_molam: bool) -> Rule:
    """4xx: a definite no, unless it may be some proxy's page; 1xx, 3xx and other 5xx: nobody knows."""
    if 400 <= status < 500:
        return Rule("rejected", False, str(status), definite=from_molam)
    return Rule("unknown", False, str(status) if 300 <= status < 600 else "invalid_response")
