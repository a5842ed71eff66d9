"""The life of one invocation: whether an attempt may begin, what its end means, and whether another one follows.

The loop around it stands in the clients' ``_send``, the same whether it waits by blocking or by awaiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from .._aside import Aside
from ..exceptions import ConfigurationError, Doubt, MolamError, Outcome
from .answer import attach
from .call_settings import CallSettings
from .causes import add_cause
from .conflict import ConflictLookup
from .doubts import Doubts
from .invocation import Invocation
from .key_answer import authorization_of
from .reading import AttemptEnd, let_go_of_connection, read_answer
from .record import CallRecord, CallStart, Gate
from .report import Report
from .rules import RULES, Retry, Rule, combine, judge
from .wire import Failure, NoReply, Reply, Request

T = TypeVar("T")


class Call(Generic[T]):
    """One invocation, all its attempts. ``request`` is what to send, ``pause`` the seconds to wait before the next
    attempt (None before the first), ``asking`` the API key to wait for before it, ``over`` whether there is none;
    ``answer``: the reply that the result or the error was made of, ``settled`` whether it is final for the key.

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
        "_discard_connections",
        "_doubts",
        "_error",
        "_gate",
        "_in_flight",
        "_interrupted_by",
        "_last",
        "_looking",
        "_notify",
        "_outage",
        "_report",
        "_result",
        "_settings",
        "_start",
        "answer",
        "asking",
        "invocation",
        "over",
        "pause",
        "request",
        "settled",
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
        self.over = self.settled = False
        self.answer: Reply | None = None
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
        self._last: AttemptEnd | None = None
        self._looking: ConflictLookup[T, AttemptEnd] | None = None
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
            self._leave_doubt(error)
            if self._admitted and self._gate is not None:
                self._gate.leave(self._outage, error)
        finally:
            if self._notify is not None:
                self._notify(self.record(error))

    def take_in_interruption(self, error: BaseException) -> None:
        """Have ``resolve`` find, in an exception raised into the call from outside, what the call was.

        Ctrl-C stays Ctrl-C, a time limit a time limit and a cancellation a cancellation: the ``MolamError`` becomes
        the cause of them, or of their own cause. The error of the call itself says all this already.
        """
        if error is self._error or id(error) == self._interrupted_by:
            return
        report = self._report
        if isinstance(error, MolamError):  # raised by the transport, before it sent anything
            self._leave_doubt(error)  # first, for what it hears of others
            report.complete(error)
            return
        self._interrupted_by = id(error)  # the error itself would hold the call's frames, and they the call
        if self._in_flight:  # in the middle of an attempt: nobody knows
            report.outcome = combine(report.outcome, RULES[Failure.INTERRUPTED])
        self._outage = None
        self._leave_doubt(error)  # for what tore the leaving itself
        add_cause(error, report.interrupted())

    def _leave_doubt(self, error: BaseException | None) -> None:
        """Tell what the next call under this key must know, and hear what another one has left meanwhile."""
        if self._doubts is None or self.invocation.idempotency_key is None:
            return
        settled = error is None or (self._last is not None and self._last.rule.definite)
        doubt = None if error is None else self._report.doubt()
        left = self._doubts.end(self.invocation, doubt, settled=settled and doubt is None)
        if left is not None and doubt is None and not settled:
            self._report.outcome = left.outcome
            if self._error is not None:
                self._error.outcome = left.outcome

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
        if self._looking is not None:
            self._in_flight = False
            self._settle_lookup(answer, self._looking)
            return
        report = self._report
        reading = read_answer(self.invocation, answer)
        if reading.is_stray:
            self._distrust_connections()
        let_go_of_connection(answer, is_ours=reading.instead is None)
        end = reading.judged(answer)
        rule = end.rule
        doubtful = report.outcome in ("unknown", "accepted")
        report.outcome = combine(report.outcome, rule)
        self._in_flight = False  # not earlier: an exception raised into this method must not forget the attempt
        report.attempts += rule.attempted
        if self._settings.trace is not None:
            self._settings.trace(self.invocation.operation.name, report.attempts, rule.label)
        if isinstance(answer, Reply):
            report.take_in(answer)
            gone = end.finds_nothing and self.invocation.operation.absent_is_done
            if reading.why is None or (doubtful and gone):
                self._accept(answer, rule, reading.result)
                return
        last = self._keep(end)
        looks_up = rule.conflict and rule.definite and doubtful and self._look_up(last)
        if not looks_up and not self._prepare_retry(answer, rule):
            self._fail(last)

    def take_api_key(self, *, in_time: bool) -> None:
        """Take the API key that was asked for; without one, the call is over."""
        asking, self.asking = self.asking, None
        headers, last = self.request.headers, self._last
        given = authorization_of(asking, headers, self._account, in_time=in_time)
        if isinstance(given, NoReply):
            self.settle(given)
        elif isinstance(given, MolamError):
            self._fail_without_api_key(given)
        elif last is not None and given == headers.get("Authorization"):
            self._fail(last)
        else:
            headers["Authorization"] = given
            if last is not None:
                self._report.retries = (*self._report.retries, last.rule.label)

    def recall(self, reply: Reply, outcome: Outcome) -> None:
        """Take in what an earlier call under this key had been answered, and came to; nothing is sent any more."""
        reading = read_answer(self.invocation, reply)
        end = reading.judged(reply)
        self._report.outcome = outcome
        self._report.take_in(reply)
        if reading.why is None or (outcome == "accepted" and self.invocation.operation.absent_is_done):
            self._accept(reply, end.rule, reading.result)
        else:
            self._fail(end)

    def record(self, error: BaseException | None) -> CallRecord:
        """What is known of the call by now; ``error``: what it ended with."""
        return self._report.record(error, self._start)

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

    def _distrust_connections(self) -> None:
        """Another stray answer may be on its way on any of them."""
        if self._discard_connections is not None:
            self._discard_connections()

    def _look_up(self, conflict: AttemptEnd) -> bool:
        """Read the object next, since a state conflict may be of our own making; False where there is none to read."""
        lookup = self.invocation.operation.lookup
        if lookup is not None:
            self._looking = ConflictLookup(self.invocation, lookup, conflict)
            self.request, self.pause = self._looking.request(self.request), 0.0
        return lookup is not None

    def _settle_lookup(self, answer: Reply | NoReply, looking: ConflictLookup[T, AttemptEnd]) -> None:
        """Take in what the object says of a conflict: it was done, it was not, or that remains unknown."""
        report, rule = self._report, judge(answer)
        report.attempts += rule.attempted
        again = looking.take_in(answer)
        if looking.is_strays:
            self._distrust_connections()
        let_go_of_connection(answer, is_ours=looking.found is not None)
        if again and rule.retry is Retry.PAUSED and self._plan_pause(answer, rule):
            return
        if looking.outcome == "accepted" and isinstance(answer, Reply):
            report.take_in(answer)
            report.outcome = looking.outcome
            self._accept(answer, rule, looking.found)
            return
        if looking.outcome == "rejected" and report.outcome == "unknown":
            report.outcome = looking.outcome
        self._fail(looking.conflict)

    def _accept(self, reply: Reply, rule: Rule, result: T | None) -> None:
        self.answer, self._result, self.settled, self.over = reply, result, True, True
        self._report.label, self._outage = rule.label, False
        if self._settings.budget is not None:
            self._settings.budget.give_back()
        if result is not None:
            attach(result, self._report.response_info(reply))

    def _keep(self, end: AttemptEnd) -> AttemptEnd:
        """The end that the merchant must hear of: a refusal after a real answer says nothing new."""
        if self._last is not None and not end.rule.attempted:
            return self._last
        self._last = end
        self._outage = end.rule.outage if end.rule.attempted else None
        return end

    def _fail(self, last: AttemptEnd) -> None:
        self.over = True
        self._report.label = last.rule.label
        self.answer = last.answer if isinstance(last.answer, Reply) else None
        self.settled = self._report.outcome == "rejected" and last.rule.definite
        self._error = self._report.error(*last)

    def _fail_without_api_key(self, error: MolamError) -> None:
        no_key = isinstance(error, ConfigurationError)
        if no_key and self._last is not None:  # the 401 says more
            self._fail(self._last)
            assert self._error is not None  # noqa: S101 - set by _fail; tells the type checker
            self._error.__cause__ = error.__cause__
            return
        self.over = True
        self._report.label = "no_api_key" if no_key else "invalid_request"
        self._error = error
        self._report.complete(error)

    def _prepare_retry(self, answer: Reply | NoReply, rule: Rule) -> bool:
        """Whether another attempt follows; then ``pause`` is set and the retry paid for."""
        if rule.retry is Retry.NEVER or (rule.retry is Retry.RESOLVING and not self._settings.resolving):
            return False
        if rule.retry is Retry.NEW_API_KEY:
            return self._ask_for_new_api_key()
        may_retry = self._may_repeat() and self._plan_pause(answer, rule) and self._settings.pay_for(rule)
        if may_retry:
            self._report.retries = (*self._report.retries, rule.label)
        return may_retry

    def _may_repeat(self) -> bool:
        return len(self._report.retries) < self._settings.policy.max_retries and self.invocation.repeatable

    def _plan_pause(self, answer: Reply | NoReply, rule: Rule) -> bool:
        retries = len(self._report.retries)
        self.pause = self._settings.pause_after(answer, rule, retries, self.time_left())
        return self.pause is not None

    def _ask_for_new_api_key(self) -> bool:
        if self._ask_api_key is None:
            return False
        ask, self._ask_api_key = self._ask_api_key, None  # once per call
        self.asking = ask(self.request.headers.get("Authorization", ""))
        self.pause = 0.0
        return self.asking is not None
