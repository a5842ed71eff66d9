"""What is known of a call, and the forms in which it is told: the error, the ResponseInfo, the CallRecord."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from ..exceptions import APIError, Doubt, MolamError, NetworkError, Outcome, ResponseError
from ..models.response import ResponseInfo
from .account import account_of
from .decline import decline_reason_of
from .doubts import request_of
from .evidence import ANY_REQUEST_ID, MOLAM_REQUEST_ID
from .invocation import Invocation
from .problem import Problem, printable_line, without_api_key
from .record import CallRecord, CallStart
from .retry import parse_retry_after
from .rules import Rule
from .wire import NoReply, Reply, Request

REQUEST_ID_HEADERS: Final = (MOLAM_REQUEST_ID, ANY_REQUEST_ID)
_LONGEST_REQUEST_ID: Final = 255
_REPLAYED_HEADER: Final = "Idempotent-Replayed"


class Report:
    """The facts of one call, kept by the ``Call``. ``label``: how it ended, as metrics and logs call it; ``retries``:
    the label each retry was made for; ``request_id``, ``replayed``: of the last answer that came, whatever came
    after it; ``first_used_at``: when the key was, by the wall clock."""

    __slots__ = (
        "_account_in_doubt",
        "_clock",
        "_request",
        "_started",
        "attempts",
        "first_used_at",
        "invocation",
        "label",
        "outcome",
        "replayed",
        "request_id",
        "retries",
    )

    def __init__(
        self, invocation: Invocation[Any], request: Request, clock: Callable[[], float], doubt: Doubt | None
    ) -> None:
        self.invocation = invocation
        self.outcome: Outcome = "not_sent" if doubt is None else doubt.outcome
        self.first_used_at = None if doubt is None else doubt.first_used_at
        self._account_in_doubt = None if doubt is None else doubt.account
        self._request = request
        self.attempts = 0
        self.retries: tuple[str, ...] = ()
        self.label = "interrupted"
        self.request_id: str | None = None
        self.replayed = False
        self._clock = clock
        self._started = clock()

    def take_in(self, reply: Reply) -> None:
        """An answer came."""
        self.request_id = _request_id(reply)
        self.replayed = reply.headers.get(_REPLAYED_HEADER, "").lower() == "true"

    def response_info(self, reply: Reply) -> ResponseInfo:
        """How this answer came."""
        return ResponseInfo(
            reply.status,
            reply.headers,
            self.request_id,
            self.invocation.idempotency_key,
            self.replayed,
            self.attempts,
            self._elapsed(),
        )

    def error(self, answer: Reply | NoReply, problem: Problem | None, rule: Rule, why: str = "") -> MolamError:
        """The error of a call whose last attempt ended so. ``why``: what is wrong with the body of a 2xx."""
        if isinstance(answer, NoReply):
            error = _from_no_reply(answer, rule)
        else:
            answer, problem = without_api_key(answer, problem, self._request.headers)
            error = _from_reply(answer, problem or Problem("unknown error"), rule, why)
        self._add_facts(error)
        error.retry_after = retry_after_of(answer)
        if problem is not None:
            error.request_id = error.request_id or problem.request_id
        return error

    def interrupted(self) -> MolamError:
        """What a Ctrl-C or a cancellation came of, so that ``resolve`` can be asked about it."""
        return self._add_facts(NetworkError("the call was interrupted"))

    def complete(self, error: MolamError) -> None:
        """Add what is known of the call to an error that knows nothing of it; a doubt that the call has left stays."""
        if error.request is None:
            outcome = self.outcome if self.outcome in ("unknown", "accepted") else error.outcome
            self._add_facts(error).outcome = outcome

    def record(self, error: BaseException | None, start: CallStart | None) -> CallRecord:
        """What observers are told."""
        operation = self.invocation.operation
        return CallRecord(
            operation=operation.name,
            group=operation.group,
            method=operation.method,
            code=self.label,
            outcome=None if error is None else self.outcome,
            attempts=self.attempts,
            retries=self.retries,
            elapsed=self._elapsed(),
            idempotency_key=self.invocation.idempotency_key,
            request_id=(error.request_id if isinstance(error, MolamError) else None) or self.request_id,
            replayed=self.replayed,
            error=None if error is None else type(error).__name__,
            start=start,
            decline_reason=None if error is None else decline_reason_of(error),
            time_left=self._request.deadline - self._clock(),
        )

    def _add_facts(self, error: MolamError) -> MolamError:
        invocation = self.invocation
        error.outcome = self.outcome
        error.operation = invocation.operation.name
        error.idempotency_key = invocation.idempotency_key
        error.request_id = self.request_id
        error.attempts = self.attempts
        error.elapsed = self._elapsed()
        error.first_used_at = self.first_used_at
        error.account = self._account
        error.base_url = self._base_url
        error.request = request_of(invocation)
        return error

    def doubt(self) -> Doubt | None:
        """What the next call under this key must know of this one; None where it is settled, or nothing was sent."""
        if self.outcome not in ("unknown", "accepted"):
            return None
        used_at = time.time() if self.first_used_at is None else self.first_used_at
        return Doubt(self.outcome, request_of(self.invocation), used_at, self._account, self._base_url)

    @property
    def _account(self) -> str | None:
        """Whose call it is: the earlier call's, as long as this one has sent nothing with a key of its own."""
        return (None if self.attempts else self._account_in_doubt) or account_of(self._request.headers)

    @property
    def _base_url(self) -> str:
        return self._request.url.removesuffix(self.invocation.path)

    def _elapsed(self) -> float:
        return self._clock() - self._started


def _request_id(reply: Reply) -> str | None:
    for name in REQUEST_ID_HEADERS:
        if value := reply.headers.get(name):
            return printable_line(value, _LONGEST_REQUEST_ID)
    return None


def retry_after_of(answer: Reply | NoReply) -> float | None:
    """The seconds to wait that an answer, or whatever refused the attempt, asks for."""
    if isinstance(answer, NoReply):
        return answer.retry_after
    return parse_retry_after(answer.headers.get("Retry-After"), answer.received_at)


def _from_no_reply(answer: NoReply, rule: Rule) -> MolamError:
    if issubclass(rule.error, ResponseError):
        error: MolamError = rule.error(answer.detail, status_code=answer.status)
    else:
        error = rule.error(answer.detail)
    error.__cause__ = answer.cause
    return error


def _from_reply(reply: Reply, problem: Problem, rule: Rule, why: str) -> MolamError:
    if issubclass(rule.error, APIError):
        return rule.error(reply.status, problem.message, problem.body, code=problem.code, param=problem.param)
    message = why or f"{reply.status} is no status of HTTP"
    return ResponseError(message, status_code=reply.status, body=reply.body)
