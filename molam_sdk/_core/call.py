"""One logical call: what to send, what each answer means, and what the whole came to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Generic, TypeVar

from ..exceptions import MolamError, NetworkError, Outcome, SentRequest
from ..models import ResponseInfo
from .answer import UnreadableError, attach
from .errors import to_error, unreadable
from .invocation import Invocation
from .problem import Problem, printable_line, read_problem
from .record import CallRecord, Gate
from .retry import RetryBudget, RetryPolicy, parse_retry_after
from .rules import Rule, combine, judge
from .wire import Failure, NoReply, Reply, Request

T = TypeVar("T")

REQUEST_ID_HEADERS: Final = ("X-Molam-Request-Id", "X-Request-ID")
_LONGEST_REQUEST_ID: Final = 255
_REPLAYED_HEADER: Final = "Idempotent-Replayed"
_NEVER_SENT: Final = (Failure.CIRCUIT_OPEN, Failure.BULKHEAD_FULL, Failure.NOT_SENDABLE, Failure.NO_TIME)


@dataclass(frozen=True, slots=True)
class CallRules:
    """What a call goes by. ``patient``: a refusing breaker is waited for (``resolve``); ``refresh_key``: a new
    Authorization after a 401, or None; ``notify``: told the record when the call has ended; ``trace``: told of
    each attempt as operation, number, code."""

    policy: RetryPolicy
    budget: RetryBudget | None
    cost: int
    cost_timeout: int
    clock: Callable[[], float]
    gate: Gate | None = None
    patient: bool = False
    refresh_key: Callable[[str], str | None] | None = None
    notify: Callable[[CallRecord], None] | None = None
    trace: Callable[[str, int, str], None] | None = None


class Call(Generic[T]):
    """The life of one call. ``settle`` each answer until it says done, pausing ``pause`` seconds in between."""

    __slots__ = (
        "_admitted",
        "_code",
        "_error",
        "_in_flight",
        "_key_problem",
        "_last",
        "_outage",
        "_refreshed",
        "_reply",
        "_result",
        "_retries",
        "_rules",
        "_started",
        "attempts",
        "invocation",
        "outcome",
        "pause",
        "request",
    )

    def __init__(self, invocation: Invocation[T], request: Request, rules: CallRules, outcome: Outcome) -> None:
        self.invocation = invocation
        self.request = request
        self.outcome: Outcome = outcome
        self.attempts = 0
        self.pause = 0.0
        self._rules = rules
        self._started = rules.clock()
        self._retries: tuple[str, ...] = ()
        self._code = "interrupted"
        self._error: MolamError | None = None
        self._reply: Reply | None = None
        self._result: T | None = None
        self._last: tuple[Reply | NoReply, Problem | None, str] | None = None
        self._outage: bool | None = None
        self._key_problem: Exception | None = None
        self._admitted = self._in_flight = self._refreshed = False

    def __enter__(self) -> Call[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._in_flight:  # torn out of an attempt by Ctrl-C or a cancellation: nobody knows
            self.outcome = combine(self.outcome, judge(NoReply(Failure.INTERRUPTED, "interrupted"), None))
        if error is not None and not isinstance(error, Exception):
            self._outage = None
            # Ctrl-C stays Ctrl-C and a cancellation a cancellation, but both can tell resolve() what they tore.
            error.__cause__ = error.__cause__ or self._with_facts(NetworkError("the call was interrupted"), None)
        if self._admitted and self._rules.gate is not None:
            self._rules.gate.leave(self._outage, error)
        if self._rules.notify is not None:
            self._rules.notify(self._record(error))

    def refusal(self) -> NoReply | None:
        """Ask the breaker and the clock whether the next attempt may begin; None if it may."""
        if self.time_left() <= 0:
            return NoReply(Failure.NO_TIME, "no time left to send the request")
        if self._rules.gate is not None:
            refused = self._rules.gate.admit(again=self._admitted)
            if refused is not None:
                return refused
            self._admitted = True
        self._in_flight = True
        return None

    def settle(self, answer: Reply | NoReply) -> bool:
        """Take in how an attempt ended. True: the call is over, ``result`` tells. False: pause, then try again."""
        self._in_flight = False
        never_sent = isinstance(answer, NoReply) and answer.failure in _NEVER_SENT
        if not never_sent:
            self.attempts += 1
        problem = read_problem(answer.body) if isinstance(answer, Reply) and not 200 <= answer.status < 300 else None
        rule = judge(answer, problem)
        doubtful = self.outcome in ("unknown", "accepted")
        self.outcome = combine(self.outcome, rule)
        if self._rules.trace is not None:
            self._rules.trace(self.invocation.operation.name, self.attempts, rule.code)
        if isinstance(answer, Reply):
            self._reply = answer
            if rule.outcome == "accepted" or (doubtful and self._was_deleted(answer, rule)):
                return self._accept(answer, rule)
        if not (never_sent and self._last is not None):
            # A refusal after a real answer says nothing new: the real one is what the merchant must hear of.
            self._last = (answer, problem, rule.code)
            self._outage = None if never_sent else rule.outage
        if self._again(answer, rule):
            return False
        self._fail()
        return True

    def time_left(self) -> float:
        """Seconds until the deadline."""
        return self.request.deadline - self._rules.clock()

    def result(self) -> T:
        """What the operation answers with, or the error that tells how it ended."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # None is the result of operations that answer nothing

    def _accept(self, reply: Reply, rule: Rule) -> bool:
        self._code, self._outage = rule.code, False
        if self._rules.budget is not None:
            self._rules.budget.give_back()
        try:
            result = self.invocation.operation.parse(reply)
        except UnreadableError as problem:
            self._code = "invalid_response"
            self._error = self._with_facts(unreadable(reply, str(problem)), None)
            return True
        self._result = attach(result, self._info(reply))
        return True

    def _was_deleted(self, reply: Reply, rule: Rule) -> bool:
        return self.invocation.operation.absent_is_done and reply.status == 404 and rule.definite

    def _again(self, answer: Reply | NoReply, rule: Rule) -> bool:
        if isinstance(answer, Reply) and answer.status == 401 and self._take_new_key():
            self.pause = 0.0
            return self._count_retry("401")
        refused = isinstance(answer, NoReply) and answer.failure is Failure.CIRCUIT_OPEN
        if not (rule.retry or (refused and self._rules.patient)):
            return False
        if len(self._retries) >= self._rules.policy.max_retries or not self.invocation.repeatable:
            return False
        return self._may_pause(answer, rule) and self._count_retry(rule.code)

    def _may_pause(self, answer: Reply | NoReply, rule: Rule) -> bool:
        stale = isinstance(answer, NoReply) and answer.failure is Failure.STALE
        retry_after = _retry_after(answer)
        self.pause = 0.0 if stale else self._rules.policy.pause(len(self._retries), retry_after)
        if not self._rules.policy.worth_waiting(self.pause, retry_after, self.time_left()):
            return False
        cost = self._rules.cost_timeout if rule.code == "timeout" else self._rules.cost
        return self._rules.budget is None or self._rules.budget.take(cost)

    def _count_retry(self, code: str) -> bool:
        self._retries = (*self._retries, code)
        return True

    def _take_new_key(self) -> bool:
        if self._refreshed or self._rules.refresh_key is None:
            return False
        self._refreshed = True
        try:
            new = self._rules.refresh_key(self.request.headers.get("Authorization", ""))
        except Exception as problem:  # noqa: BLE001 - the merchant's callable; the 401 and the outcome must not be lost
            self._key_problem = problem
            return False
        if new is None:
            return False
        self.request.headers["Authorization"] = new
        return True

    def _fail(self) -> None:
        assert self._last is not None  # noqa: S101 - settle set it; tells the type checker
        answer, problem, self._code = self._last
        error = to_error(answer, problem)
        error.__cause__ = error.__cause__ or self._key_problem
        self._error = self._with_facts(error, _retry_after(answer))
        if problem is not None:
            error.request_id = error.request_id or problem.request_id

    def _with_facts(self, error: MolamError, retry_after: float | None) -> MolamError:
        error.outcome = self.outcome
        error.operation = self.invocation.operation.name
        error.idempotency_key = self.invocation.idempotency_key
        error.request_id = self._request_id()
        error.attempts = self.attempts
        error.elapsed = self._elapsed()
        error.retry_after = retry_after
        error.request = SentRequest(
            self.invocation.operation.name,
            self.invocation.operation.method,
            self.invocation.path,
            self.invocation.body,
            self.invocation.idempotency_key,
        )
        return error

    def _info(self, reply: Reply) -> ResponseInfo:
        return ResponseInfo(
            reply.status,
            reply.headers,
            self._request_id(),
            self.invocation.idempotency_key,
            self._replayed(),
            self.attempts,
            self._elapsed(),
        )

    def _request_id(self) -> str | None:
        if self._reply is None:
            return None
        for name in REQUEST_ID_HEADERS:
            if value := self._reply.headers.get(name):
                return printable_line(value, _LONGEST_REQUEST_ID)
        return None

    def _replayed(self) -> bool:
        return self._reply is not None and self._reply.headers.get(_REPLAYED_HEADER, "").lower() == "true"

    def _elapsed(self) -> float:
        return self._rules.clock() - self._started

    def _record(self, error: BaseException | None) -> CallRecord:
        return CallRecord(
            operation=self.invocation.operation.name,
            group=self.invocation.operation.group,
            method=self.invocation.operation.method,
            code=self._code,
            outcome=None if error is None else self.outcome,
            attempts=self.attempts,
            retries=self._retries,
            elapsed=self._elapsed(),
            idempotency_key=self.invocation.idempotency_key,
            request_id=(error.request_id if isinstance(error, MolamError) else None) or self._request_id(),
            replayed=self._replayed(),
            error=None if error is None else type(error).__name__,
        )


def _retry_after(answer: Reply | NoReply) -> float | None:
    if isinstance(answer, NoReply):
        return answer.retry_after
    return parse_retry_after(answer.headers.get("Retry-After"), answer.received_at)
