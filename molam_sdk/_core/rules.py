"""The rules of the wire contract: one row per status and failure, read by everything that decides or tells.

A row says what became of the money, whether the attempt is repeated, which error is raised, whether it counts against
the breaker, and what metrics and logs call it. ``docs/reliability.md`` shows the same table, made by
``ci/generate_tables.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from ..exceptions import (
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
from .evidence import Evidence, Instead, evidence_of, is_molams
from .problem import Problem
from .wire import Failure, NoReply, Reply


class Retry(Enum):
    """Whether another attempt may follow, budget and deadline permitting."""

    NEVER = "no"
    PAUSED = "after a pause"
    AT_ONCE = "at once"
    NEW_API_KEY = "once, with a new API key"
    RESOLVING = "by `resolve` only"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the end of an attempt means.

    ``label``: what metrics and logs call it; empty for the status itself. ``definite``: an answer that is Molam's is
    about this very request, so that an earlier doubt is settled. ``conflict``: it may be so because an earlier attempt
    was carried out, so that it settles no doubt of this call. ``outage``: counts against the breaker.
    ``attempted``: whether a request was tried at all; where none was, nothing was learnt about Molam.
    """

    outcome: Outcome
    retry: Retry
    error: type[MolamError]
    label: str = ""
    definite: bool = False
    conflict: bool = False
    outage: bool = False
    attempted: bool = True


Case = int | tuple[int, str] | str | Instead | Failure
"""A status, a status with the code of its body, a class of statuses, what a 2xx brings instead, or a failure."""

IN_PROGRESS: Final = "… in progress"
CONFLICT: Final = "already …"
"""Codes of any wording that say so."""

_NEVER, _PAUSED, _AT_ONCE = Retry.NEVER, Retry.PAUSED, Retry.AT_ONCE
_NEW_API_KEY, _RESOLVING = Retry.NEW_API_KEY, Retry.RESOLVING

# Retried: what may pass and is safe under one idempotency key; never a certificate error, never a local one.
_TABLE: Final[dict[Case, Rule]] = {
    #                                     outcome     retry         error
    200:                             Rule("accepted", _NEVER,       ResponseError, definite=True),
    201:                             Rule("accepted", _NEVER,       ResponseError, definite=True),
    204:                             Rule("accepted", _NEVER,       ResponseError, definite=True),
    "2xx":                           Rule("accepted", _NEVER,       ResponseError, definite=True),
    Instead.JSON:                    Rule("accepted", _NEVER,       ResponseError, "invalid_response", definite=True),
    Instead.ERROR:                   Rule("unknown",  _NEVER,       APIError, "invalid_response"),
    Instead.OTHER:                   Rule("unknown",  _PAUSED,      ResponseError, "invalid_response"),
    Instead.PAGE:                    Rule("unknown",  _NEVER,       ResponseError, "invalid_response"),
    "3xx":                           Rule("unknown",  _NEVER,       RedirectError),
    400:                             Rule("rejected", _NEVER,       InvalidRequestError, definite=True),
    (400, CONFLICT):                 Rule("rejected", _NEVER,       InvalidRequestError, definite=True, conflict=True),
    401:                             Rule("rejected", _NEW_API_KEY, AuthenticationError),
    402:                             Rule("rejected", _NEVER,       DeclinedError, definite=True),
    403:                             Rule("rejected", _NEVER,       PermissionDeniedError),
    404:                             Rule("rejected", _NEVER,       NotFoundError, definite=True),
    408:                             Rule("unknown",  _PAUSED,      InvalidRequestError),
    409:                             Rule("rejected", _NEVER,       ConflictError, definite=True, conflict=True),
    (409, "idempotency_in_progress"): Rule("unknown", _PAUSED,      IdempotencyError),
    (409, IN_PROGRESS):              Rule("unknown",  _PAUSED,      ConflictError),
    422:                             Rule("rejected", _NEVER,       InvalidRequestError, definite=True),
    (422, CONFLICT):                 Rule("rejected", _NEVER,       InvalidRequestError, definite=True, conflict=True),
    (422, "idempotency_key_reused"): Rule("rejected", _NEVER,       IdempotencyError, definite=True),
    425:                             Rule("rejected", _PAUSED,      InvalidRequestError),
    429:                             Rule("rejected", _PAUSED,      RateLimitError),
    "4xx":                           Rule("rejected", _NEVER,       InvalidRequestError, definite=True),
    500:                             Rule("unknown",  _PAUSED,      ServerError, outage=True),
    502:                             Rule("unknown",  _PAUSED,      ServerError, outage=True),
    503:                             Rule("unknown",  _PAUSED,      ServerError, outage=True),
    504:                             Rule("unknown",  _PAUSED,      ServerError, outage=True),
    "5xx":                           Rule("unknown",  _NEVER,       ServerError),
    "no status of HTTP":             Rule("unknown",  _NEVER,       ResponseError, "invalid_response"),
    Failure.CIRCUIT_OPEN:    Rule("not_sent", _RESOLVING, CircuitOpenError, "circuit_open", attempted=False),
    Failure.BULKHEAD_FULL:   Rule("not_sent", _NEVER,   BulkheadFullError, "bulkhead_full", attempted=False),
    Failure.SWITCHED_OFF:    Rule("not_sent", _NEVER,   SwitchedOffError, "switched_off", attempted=False),
    Failure.NOT_SENDABLE:    Rule("not_sent", _NEVER,   RequestValidationError, "invalid_request", attempted=False),
    Failure.NO_TIME:         Rule("not_sent", _NEVER,   MolamTimeoutError, "timeout", attempted=False),
    Failure.DNS:             Rule("not_sent", _PAUSED,  NetworkError, "network_error", outage=True),
    Failure.CONNECT:         Rule("not_sent", _PAUSED,  NetworkError, "network_error", outage=True),
    Failure.CONNECT_TIMEOUT: Rule("not_sent", _PAUSED,  MolamTimeoutError, "timeout", outage=True),
    Failure.TLS:             Rule("not_sent", _PAUSED,  NetworkError, "network_error", outage=True),
    Failure.CERTIFICATE:     Rule("not_sent", _NEVER,   NetworkError, "network_error", outage=True),
    Failure.PROXY:           Rule("not_sent", _PAUSED,  NetworkError, "network_error", outage=True),
    Failure.LOCAL:           Rule("not_sent", _NEVER,   NetworkError, "network_error"),
    Failure.STALE:           Rule("unknown",  _AT_ONCE, NetworkError, "network_error", outage=True),
    Failure.TIMEOUT:         Rule("unknown",  _PAUSED,  MolamTimeoutError, "timeout", outage=True),
    Failure.RESET:           Rule("unknown",  _PAUSED,  NetworkError, "network_error", outage=True),
    Failure.INCOMPLETE:      Rule("unknown",  _PAUSED,  NetworkError, "network_error", outage=True),
    Failure.MALFORMED:       Rule("unknown",  _NEVER,   ResponseError, "invalid_response", outage=True),
    Failure.TOO_LARGE:       Rule("unknown",  _NEVER,   ResponseError, "invalid_response"),
    Failure.INTERRUPTED:     Rule("unknown",  _NEVER,   NetworkError, "interrupted"),
}  # fmt: skip


def _labelled(case: Case, rule: Rule) -> Rule:
    status = case[0] if isinstance(case, tuple) else case
    return replace(rule, label=str(status)) if isinstance(status, int) else rule


RULES: Final[Mapping[Case, Rule]] = {case: _labelled(case, rule) for case, rule in _TABLE.items()}

LABELS: Final = tuple(dict.fromkeys(rule.label for rule in RULES.values() if rule.label))
"""What a call can end as, by the names of the table: their series stand at 0 from the start."""

RETRY_LABELS: Final = tuple(dict.fromkeys(rule.label for rule in RULES.values() if rule.retry is not Retry.NEVER))
"""What an attempt may be repeated for."""

# The stronger doubt stays when attempt follows attempt; only a definite answer replaces it.
STRENGTH: Final[dict[Outcome, int]] = {"not_sent": 0, "rejected": 1, "unknown": 2, "accepted": 3}

# What codes and messages say of an object that stands where the request would have put it. Only after a doubt does it
# matter: a word too many here makes an outcome unknown, a word too few makes a payment that was carried out "rejected".
_CONFLICT_WORDS: Final = re.compile(
    r"already|duplicate|exceed|too_large|unexpected_state|invalid_state|not_pending", re.I
)
_IN_PROGRESS_WORDS: Final = re.compile(r"in[_ -]progress|still[_ -](running|processing)|being[_ -]processed", re.I)


def judge(answer: Reply | NoReply, problem: Problem | None = None, instead: Instead | None = None) -> Rule:
    """The rule for one attempt's end. ``problem`` is the parsed body of an error answer; ``instead`` what a 2xx brought
    in place of what the operation answers with."""
    if isinstance(answer, NoReply):
        return _judge_no_reply(answer)
    if instead is not None:
        return RULES[instead]
    rule = _rule_of(answer.status, problem)
    if rule.outcome != "rejected":
        return rule
    evidence = evidence_of(answer.headers, problem)
    if evidence is Evidence.PROVEN:
        return rule
    return replace(rule, outcome="unknown" if evidence is Evidence.NONE else rule.outcome, definite=False)


def combine(before: Outcome, rule: Rule) -> Outcome:
    """The outcome of the whole call once this attempt has ended as ``rule`` says."""
    in_doubt = before in ("unknown", "accepted")
    settles = rule.definite and not (rule.conflict and in_doubt)
    if settles or STRENGTH[rule.outcome] > STRENGTH[before]:
        return rule.outcome
    return before


def _judge_no_reply(answer: NoReply) -> Rule:
    rule = RULES[answer.failure]
    if answer.status is None or rule.outcome != "unknown" or not is_molams(answer.headers):
        return rule
    return replace(rule, outcome=_outcome_by_status(answer.status))


def _rule_of(status: int, problem: Problem | None) -> Rule:
    rule = None
    if problem is not None:
        rule = RULES.get((status, problem.code or "")) or RULES.get((status, _wording_of(problem)))
    return rule or RULES.get(status) or _rule_of_class(status)


def _wording_of(problem: Problem) -> str:
    """Whether a problem says, in words of its own, that the request runs already, or that it has been done."""
    text = f"{problem.code} {problem.message}"
    if _IN_PROGRESS_WORDS.search(text):
        return IN_PROGRESS
    return CONFLICT if _CONFLICT_WORDS.search(text) else ""


def _rule_of_class(status: int) -> Rule:
    rule = RULES.get(f"{status // 100}xx") or RULES["no status of HTTP"]
    return rule if rule.label else replace(rule, label=str(status))


def _outcome_by_status(status: int) -> Outcome:
    """What a status alone says, its body lost: where any code of the body would leave a doubt, there is one."""
    by_code = [rule for case, rule in RULES.items() if isinstance(case, tuple) and case[0] == status]
    return max((rule.outcome for rule in (_rule_of(status, None), *by_code)), key=STRENGTH.__getitem__)
