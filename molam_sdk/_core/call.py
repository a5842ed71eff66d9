"""The life of one invocation: whether an attempt may begin, what its end means, and whether another one follows.

A client's loop is the same whether it waits by blocking or by awaiting:

::

    with self._begin(invocation, timeout) as call, self._bulkheads.slot(call):
        while not call.over:
            if call.pause is not None:
                self._transport.sleep(call.pause)
            if call.start_attempt():
                call.settle(self._transport.send(call.request))
        return call.result()
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, NamedTuple, TypeVar

from .._aside import Aside
from ..exceptions import ConfigurationError, MolamError, Outcome
from .answer import UnreadableError, attach
from .invocation import Invocation
from .problem import Problem, read_problem
from .record import CallRecord, CallStart, Gate
from .report import Report, retry_after_of
from .retry import RetryBudget, RetryPolicy
from .rules import RULES, Retry, Rule, combine, judge
from .wire import Failure, NoReply, Reply, Request

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What all calls of a client go by. ``cost``, ``cost_timeout``: tokens of the budget that a retry takes;
    ``resolving``: a refusing breaker is waited for; ``trace``: told of each attempt as operation, number, label."""

    policy: RetryPolicy
    budget: RetryBudget | None
    cost: int
    cost_timeout: int
    clock: Callable[[], float]
    resolving: bool = False
    trace: Callable[[str, int, str], None] | None = None


class _End(NamedTuple):
    """How an attempt ended."""

    answer: Reply | NoReply
    problem: Problem | None
    rule: Rule


class Call(Generic[T]):
    """One invocation, all its attempts. ``request`` is what to send, ``pause`` the seconds to wait before the next
    attempt (None before the first), ``asking`` the API key to wait for before it, ``over`` whether there is none.

    ``gate``: the breaker. ``ask_api_key``: begins to ask for another Authorization than the one given, or None where
    there is none to ask for. ``notify``: told the record when the call has ended, with the
    ``start`` that observers were told.
    """

    __slots__ = (
        "_admitted",
        "_ask_api_key",
        "_error",
        "_gate",
        "_in_flight",
        "_interrupted_by",
        "_last",
        "_notify",
        "_outage",
        "_report",
        "_result",
        "_settings",
        "_start",
        "asking",
        "invocation",
        "over",
        "pause",
        "request",
    )

    def __init__(
        self,
        invocation: Invocation[T],
        request: Request,
        settings: CallSettings,
        *,
        outcome: Outcome = "not_sent",
        gate: Gate | None = None,
        ask_api_key: Callable[[str], Aside[str] | None] | None = None,
        notify: Callable[[CallRecord], None] | None = None,
        start: CallStart | None = None,
    ) -> None:
        self.invocation = invocation
        self.request = request
        self.pause: float | None = None
        self.over = False
        self.asking: Aside[str] | None = None
        if ask_api_key is not None and "Authorization" not in request.headers:
            self.asking = ask_api_key("")
        self._settings = settings
        self._gate = gate
        self._ask_api_key = ask_api_key
        self._notify = notify
        self._start = start
        self._report = Report(invocation, settings.clock, outcome)
        self._error: MolamError | None = None
        self._result: T | None = None
        self._last: _End | None = None
        self._outage: bool | None = None
        self._interrupted_by: int | None = None
        self._admitted = self._in_flight = False

    def __enter__(self) -> Call[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.take_in_interruption(error)
        try:
            if self._admitted and self._gate is not None:
                self._gate.leave(self._outage, error)
        finally:
            if self._notify is not None:
                self._notify(self._report.record(error, self._start))

    def take_in_interruption(self, error: BaseException) -> None:
        """Have ``resolve`` find, in an exception raised into the call from outside, what the call was.

        Ctrl-C stays Ctrl-C, a time limit a time limit and a cancellation a cancellation: the ``MolamError`` becomes
        the cause of them, or of their own cause. The error of the call itself says all this already.
        """
        if error is self._error or id(error) == self._interrupted_by:
            return
        report = self._report
        if isinstance(error, MolamError):  # raised by the transport, before it sent anything
            report.complete(error)
            return
        self._interrupted_by = id(error)  # the error itself would hold the call's frames, and they the call
        if self._in_flight:  # in the middle of an attempt: nobody knows
            report.outcome = combine(report.outcome, RULES[Failure.INTERRUPTED])
        self._outage = None
        _add_cause(error, report.interrupted())

    def start_attempt(self) -> bool:
        """Begin the next attempt, if clock and breaker let it through; else settle their refusal. True: send it."""
        refusal = self._refusal()
        self._in_flight = refusal is None
        if refusal is not None:
            self.settle(refusal)
        return refusal is None

    def settle(self, answer: Reply | NoReply) -> None:
        """Take in how an attempt ended, or that it could not begin: the call is over, or pauses for the next one."""
        report = self._report
        problem = read_problem(answer.body) if isinstance(answer, Reply) and not 200 <= answer.status < 300 else None
        rule = judge(answer, problem)
        doubtful = report.outcome in ("unknown", "accepted")
        report.outcome = combine(report.outcome, rule)
        self._in_flight = False  # not earlier: an exception raised into this method must not forget the attempt
        report.attempts += rule.attempted
        if self._settings.trace is not None:
            self._settings.trace(self.invocation.operation.name, report.attempts, rule.label)
        if isinstance(answer, Reply):
            report.take_in(answer)
            if rule.outcome == "accepted" or (doubtful and self._was_deleted(answer, rule)):
                self._accept(answer, rule)
                return
        last = self._keep(_End(answer, problem, rule))
        if not self._prepare_retry(answer, rule):
            self._fail(last)

    def take_api_key(self, *, in_time: bool) -> None:
        """Take the API key that was asked for; without one, the call is over."""
        asking, self.asking = self.asking, None
        if asking is None or not in_time:
            self.settle(NoReply(Failure.NO_TIME, "the api_key callable gave no key in time"))
            return
        try:
            authorization = asking.result()
        except BaseException as problem:  # noqa: BLE001 - the merchant's callable; it ran in a thread of its own
            self._fail_without_api_key(problem)
            return
        refused = self.request.headers.get("Authorization")
        self.request.headers["Authorization"] = authorization
        if self._last is None:
            return
        if authorization == refused:
            self._fail(self._last)
        else:
            self._report.retries = (*self._report.retries, self._last.rule.label)

    def time_left(self) -> float:
        """Seconds until the deadline."""
        return self.request.deadline - self._settings.clock()

    def result(self) -> T:
        """What the operation answers with, or the error that tells how it ended."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # None is the result of operations that answer nothing

    def _refusal(self) -> NoReply | None:
        if self.time_left() <= 0:
            return NoReply(Failure.NO_TIME, "no time left to send the request")
        if self._gate is not None:
            refused = self._gate.admit(again=self._admitted)
            if refused is not None:
                return refused
            self._admitted = True
        return None

    def _accept(self, reply: Reply, rule: Rule) -> None:
        self.over = True
        self._report.label, self._outage = rule.label, False
        if self._settings.budget is not None:
            self._settings.budget.give_back()
        try:
            result = self.invocation.operation.parse(reply)
        except UnreadableError as problem:
            self._error = self._report.unreadable(reply, str(problem))
        else:
            self._result = attach(result, self._report.response_info(reply))

    def _keep(self, end: _End) -> _End:
        """The end that the merchant must hear of: a refusal after a real answer says nothing new."""
        if self._last is not None and not end.rule.attempted:
            return self._last
        self._last = end
        self._outage = end.rule.outage if end.rule.attempted else None
        return end

    def _fail(self, last: _End) -> None:
        self.over = True
        self._report.label = last.rule.label
        self._error = self._report.error(*last)

    def _fail_without_api_key(self, problem: BaseException) -> None:
        if self._last is not None:  # the 401 says more
            self._fail(self._last)
        else:
            self.over = True
            self._report.label = "no_api_key"
            said = problem.message if isinstance(problem, ConfigurationError) else f"raised {type(problem).__name__}"
            self._error = ConfigurationError(f"the api_key callable: {said}")
            self._report.complete(self._error)
        assert self._error is not None  # noqa: S101 - set above, or by _fail; tells the type checker
        self._error.__cause__ = problem

    def _was_deleted(self, reply: Reply, rule: Rule) -> bool:
        return self.invocation.operation.absent_is_done and reply.status == 404 and rule.definite

    def _prepare_retry(self, answer: Reply | NoReply, rule: Rule) -> bool:
        """Whether another attempt follows; then ``pause`` is set and the retry paid for."""
        if rule.retry is Retry.NEVER or (rule.retry is Retry.RESOLVING and not self._settings.resolving):
            return False
        if rule.retry is Retry.NEW_API_KEY:
            return self._ask_for_new_api_key()
        may_retry = self._may_repeat() and self._plan_pause(answer, rule) and self._pay_for(rule)
        if may_retry:
            self._report.retries = (*self._report.retries, rule.label)
        return may_retry

    def _may_repeat(self) -> bool:
        return len(self._report.retries) < self._settings.policy.max_retries and self.invocation.repeatable

    def _plan_pause(self, answer: Reply | NoReply, rule: Rule) -> bool:
        policy, retry_after = self._settings.policy, retry_after_of(answer)
        at_once = rule.retry is Retry.AT_ONCE
        self.pause = pause = 0.0 if at_once else policy.pause(len(self._report.retries), retry_after)
        return policy.worth_waiting(pause, retry_after, self.time_left())

    def _pay_for(self, rule: Rule) -> bool:
        settings = self._settings
        cost = settings.cost_timeout if rule.label == "timeout" else settings.cost
        return settings.budget is None or settings.budget.take(cost)

    def _ask_for_new_api_key(self) -> bool:
        if self._ask_api_key is None:
            return False
        ask, self._ask_api_key = self._ask_api_key, None  # once per call
        self.asking = ask(self.request.headers.get("Authorization", ""))
        self.pause = 0.0
        return self.asking is not None


def _add_cause(error: BaseException, cause: MolamError) -> None:
    """Put a cause below those that an exception has; above those of an earlier call, which come after it."""
    links = [error]
    while (below := links[-1].__cause__) is not None and below not in links and not isinstance(below, MolamError):
        links.append(below)
    if not any(below is link for link in links):
        cause.__cause__ = below
    links[-1].__cause__ = cause
