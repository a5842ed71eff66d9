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

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, NamedTuple, TypeVar

from .._aside import Aside
from ..exceptions import ConfigurationError, Doubt, MolamError, RequestValidationError
from .account import account_of
from .answer import UnreadableError, attach
from .doubts import Doubts, another_account
from .evidence import Instead, what_came_instead
from .invocation import Invocation
from .lookup import TRIES
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
    """How an attempt ended, and why its answer is not the operation's."""

    answer: Reply | NoReply
    problem: Problem | None
    rule: Rule
    why: str


class _Reading(NamedTuple):
    """What an answer says: the problem, what came instead of the operation's answer, and why it is not that one."""

    problem: Problem | None
    instead: Instead | None
    why: str | None


class Call(Generic[T]):
    """One invocation, all its attempts. ``request`` is what to send, ``pause`` the seconds to wait before the next
    attempt (None before the first), ``asking`` the API key to wait for before it, ``over`` whether there is none.

    ``doubt``: what an earlier call under the same key left; ``doubts``: told what this one leaves; ``account``: whose
    API key it must be, where that is still to be asked for. ``gate``: the breaker. ``ask_api_key``: begins to ask for
    another Authorization than the one given, or None where there is none to ask for. ``discard_connections``: called
    when an answer was another call's. ``notify``: told the record when the call has ended, with the ``start`` that
    observers were told.
    """

    __slots__ = (
        "_account",
        "_admitted",
        "_ask_api_key",
        "_conflict",
        "_discard_connections",
        "_doubts",
        "_error",
        "_gate",
        "_in_flight",
        "_interrupted_by",
        "_last",
        "_lookups",
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
        doubt: Doubt | None = None,
        doubts: Doubts | None = None,
        gate: Gate | None = None,
        account: str | None = None,
        ask_api_key: Callable[[str], Aside[str] | None] | None = None,
        discard_connections: Callable[[], None] | None = None,
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
        self._account = account
        self._ask_api_key = ask_api_key
        self._discard_connections = discard_connections
        self._notify = notify
        self._start = start
        self._report = Report(invocation, request, settings.clock, doubt)
        self._doubts = doubts
        self._error: MolamError | None = None
        self._result: T | None = None
        self._last: _End | None = None
        self._conflict: _End | None = None
        self._lookups = 0
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
            if self._doubts is not None and self.invocation.idempotency_key is not None:
                self._doubts.end(self.invocation.idempotency_key, None if error is None else self._report.doubt())
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
        elif self._report.first_used_at is None:
            self._report.first_used_at = time.time()
        return refusal is None

    def settle(self, answer: Reply | NoReply) -> None:
        """Take in how an attempt ended, or that it could not begin: the call is over, or pauses for the next one."""
        if self._conflict is not None:
            self._in_flight = False
            self._settle_lookup(answer, self._conflict)
            return
        report = self._report
        problem, instead, why = self._read(answer)
        rule = judge(answer, problem, instead)
        doubtful = report.outcome in ("unknown", "accepted")
        report.outcome = combine(report.outcome, rule)
        self._in_flight = False  # not earlier: an exception raised into this method must not forget the attempt
        report.attempts += rule.attempted
        if self._settings.trace is not None:
            self._settings.trace(self.invocation.operation.name, report.attempts, rule.label)
        if isinstance(answer, Reply):
            report.take_in(answer)
            if why is None or (doubtful and self._was_deleted(answer, rule)):
                self._accept(answer, rule)
                return
        last = self._keep(_End(answer, problem, rule, (instead and why) or ""))
        if rule.conflict and rule.definite and doubtful and self._look_up():
            self._conflict = last
        elif not self._prepare_retry(answer, rule):
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
        account = account_of(self.request.headers)
        if self._account not in (None, account):
            self._fail_before_sending(
                RequestValidationError(another_account(self._account, account)), "invalid_request"
            )
            return
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

    def _read(self, answer: Reply | NoReply) -> _Reading:
        """Read what the operation answers with, or what came in its place."""
        if isinstance(answer, NoReply):
            return _Reading(None, None, answer.detail)
        if not 200 <= answer.status < 300:
            return _Reading(read_problem(answer.body), None, "an error status")
        try:
            result = self.invocation.operation.parse(answer)
        except UnreadableError as problem:
            found = read_problem(answer.body)
            return _Reading(found, what_came_instead(answer, found), f"the answer cannot be read: {problem}")
        mismatch = self.invocation.mismatch(result, answer.headers)
        if mismatch is not None:
            self._distrust_connections()
            return _Reading(None, Instead.OTHER, f"this is the answer to another request: {mismatch}")
        self._result = result
        return _Reading(None, None, None)

    def _distrust_connections(self) -> None:
        """Another stray answer may be on its way on any of them."""
        if self._discard_connections is not None:
            self._discard_connections()

    def _look_up(self) -> bool:
        """Read the object next, since a state conflict may be of our own making; False where there is none to read."""
        lookup = self.invocation.operation.lookup
        if lookup is not None:
            self.request, self.pause = lookup.request(self.request), 0.0
        return lookup is not None

    def _settle_lookup(self, answer: Reply | NoReply, conflict: _End) -> None:
        """Take in what the object says of a conflict: it was done, it was not, or that remains unknown."""
        report, rule = self._report, judge(answer)
        report.attempts += rule.attempted
        self._lookups += 1
        found = self._found(answer)
        if found is None and self._lookups < TRIES and rule.retry is Retry.PAUSED and self._plan_pause(answer, rule):
            return
        lookup = self.invocation.operation.lookup
        outcome = "unknown" if found is None or lookup is None else lookup.outcome(found, self.invocation.body)
        if outcome == "accepted" and isinstance(answer, Reply):
            report.take_in(answer)
            report.outcome, self._result = outcome, found
            self._accept(answer, rule)
            return
        if outcome == "rejected" and report.outcome == "unknown":
            report.outcome = outcome
        self._fail(conflict)

    def _found(self, answer: Reply | NoReply) -> T | None:
        """The object that was looked up."""
        if isinstance(answer, NoReply) or not 200 <= answer.status < 300:
            return None
        try:
            found = self.invocation.operation.parse(answer)
        except UnreadableError:
            return None
        return found if self.invocation.mismatch(found) is None else None

    def _accept(self, reply: Reply, rule: Rule) -> None:
        self.over = True
        self._report.label, self._outage = rule.label, False
        if self._settings.budget is not None:
            self._settings.budget.give_back()
        if self._result is not None:
            attach(self._result, self._report.response_info(reply))

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
            said = problem.message if isinstance(problem, ConfigurationError) else f"raised {type(problem).__name__}"
            self._fail_before_sending(ConfigurationError(f"the api_key callable: {said}"), "no_api_key")
        assert self._error is not None  # noqa: S101 - set above, or by _fail; tells the type checker
        self._error.__cause__ = problem

    def _fail_before_sending(self, error: MolamError, label: str) -> None:
        self.over = True
        self._report.label = label
        self._error = error
        self._report.complete(error)

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
        left = self.time_left()
        self.pause = pause = 0.0 if at_once else policy.pause(len(self._report.retries), retry_after, left)
        return policy.worth_waiting(pause, retry_after, left)

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
