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

from ..exceptions import Doubt, MolamError
from .answer import UnreadableError, attach
from .doubts import Doubts
from .evidence import Instead, is_molams, what_came_instead
from .invocation import Invocation
from .lookup import TRIES
from .problem import Problem, read_problem
from .record import CallRecord, Gate
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
    attempt (None before the first), ``over`` whether there is none.

    ``doubt``: what an earlier call under the same key left; ``doubts``: told what this one leaves. ``gate``: the
    breaker. ``renew_authorization``: a new Authorization after a 401, or None. ``discard_connections``: called when an
    answer was another call's. ``notify``: told the record when the call has ended.
    """

    __slots__ = (
        "_admitted",
        "_api_key_problem",
        "_conflict",
        "_discard_connections",
        "_doubts",
        "_error",
        "_gate",
        "_in_flight",
        "_last",
        "_lookups",
        "_notify",
        "_outage",
        "_renew_authorization",
        "_report",
        "_result",
        "_settings",
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
        renew_authorization: Callable[[str], str | None] | None = None,
        discard_connections: Callable[[], None] | None = None,
        notify: Callable[[CallRecord], None] | None = None,
    ) -> None:
        self.invocation = invocation
        self.request = request
        self.pause: float | None = None
        self.over = False
        self._settings = settings
        self._gate = gate
        self._renew_authorization = renew_authorization
        self._discard_connections = discard_connections
        self._notify = notify
        self._report = Report(invocation, request, settings.clock, doubt)
        self._doubts = doubts
        self._error: MolamError | None = None
        self._result: T | None = None
        self._last: _End | None = None
        self._conflict: _End | None = None
        self._lookups = 0
        self._outage: bool | None = None
        self._api_key_problem: Exception | None = None
        self._admitted = self._in_flight = False

    def __enter__(self) -> Call[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        report = self._report
        if self._in_flight:  # torn out of an attempt by Ctrl-C or a cancellation: nobody knows
            report.outcome = combine(report.outcome, RULES[Failure.INTERRUPTED])
        if error is not None and not isinstance(error, Exception):
            self._outage = None
            # Ctrl-C stays Ctrl-C and a cancellation a cancellation, but both can tell resolve() what they tore.
            error.__cause__ = error.__cause__ or report.interrupted()
        if self._doubts is not None and self.invocation.idempotency_key is not None:
            self._doubts.end(self.invocation.idempotency_key, None if error is None else report.doubt())
        if self._admitted and self._gate is not None:
            self._gate.leave(self._outage, error)
        if self._notify is not None:
            self._notify(report.record(error))

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
        mismatch = self.invocation.mismatch(result, is_molams=is_molams(answer.headers))
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
        self._error.__cause__ = self._error.__cause__ or self._api_key_problem

    def _was_deleted(self, reply: Reply, rule: Rule) -> bool:
        return self.invocation.operation.absent_is_done and reply.status == 404 and rule.definite

    def _prepare_retry(self, answer: Reply | NoReply, rule: Rule) -> bool:
        """Whether another attempt follows; then ``pause`` is set and the retry paid for."""
        if rule.retry is Retry.NEVER or (rule.retry is Retry.RESOLVING and not self._settings.resolving):
            return False
        if rule.retry is Retry.NEW_API_KEY:
            may_retry = self._take_new_api_key()
        else:
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

    def _take_new_api_key(self) -> bool:
        if self._renew_authorization is None:
            return False
        renew, self._renew_authorization = self._renew_authorization, None  # once per call
        try:
            authorization = renew(self.request.headers.get("Authorization", ""))
        except Exception as problem:  # noqa: BLE001 - the merchant's callable; the 401 and the outcome must not be lost
            self._api_key_problem = problem
            return False
        if authorization is None:
            return False
        self.pause = 0.0
        self.request.headers["Authorization"] = authorization
        return True
