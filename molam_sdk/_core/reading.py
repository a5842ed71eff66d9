"""What an answer says: what the operation answers with, or what came in its place, and how that ends the attempt."""

from __future__ import annotations

from typing import Any, NamedTuple

from .answer import UnreadableError
from .echo import another_key
from .evidence import Instead, is_molams, what_came_instead
from .invocation import Invocation
from .problem import Problem, read_problem
from .rules import Rule, judge
from .wire import NoReply, Reply


class AttemptEnd(NamedTuple):
    """How an attempt ended, and why its answer is not the operation's."""

    answer: Reply | NoReply
    problem: Problem | None
    rule: Rule
    why: str

    @property
    def finds_nothing(self) -> bool:
        """Whether the object is not there, and that is sure."""
        return isinstance(self.answer, Reply) and self.answer.status == 404 and self.rule.definite


class Reading(NamedTuple):
    """``result``: what the operation answers with. Else ``problem``, ``instead``: what came in its place; ``why``: what
    shows that it is not that, None where it is."""

    result: Any = None
    problem: Problem | None = None
    instead: Instead | None = None
    why: str | None = None

    @property
    def is_stray(self) -> bool:
        """Whether it is the answer to another request."""
        return self.instead is Instead.OTHER

    def judged(self, answer: Reply | NoReply) -> AttemptEnd:
        """The end that the answer makes of its attempt."""
        rule = judge(answer, self.problem, self.instead)
        return AttemptEnd(answer, self.problem, rule, (self.instead and self.why) or "")


def read_answer(invocation: Invocation[Any], answer: Reply | NoReply) -> Reading:
    """Read what the operation answers with, or what came in its place."""
    if isinstance(answer, NoReply):
        return Reading(why=answer.detail)
    key = answer.headers.get("Idempotency-Key")
    if key is not None and (why := another_key(invocation.idempotency_key, key)) is not None:
        return _stray(why)
    if not 200 <= answer.status < 300:
        return Reading(problem=read_problem(answer.body), why="an error status")
    try:
        result = invocation.operation.parse(answer)
    except UnreadableError as problem:
        found = read_problem(answer.body)
        another = invocation.names_another(found.body) if found.shape is None and is_molams(answer.headers) else None
        if another is not None:
            return _stray(another)
        return Reading(None, found, what_came_instead(answer, found), f"the answer cannot be read: {problem}")
    mismatch = invocation.mismatch(result, answer.headers)
    return Reading(result) if mismatch is None else _stray(mismatch)


def let_go_of_connection(answer: Reply | NoReply, *, is_ours: bool) -> None:
    """Only now may it carry another request: behind another call's answer comes the one that was asked for."""
    if isinstance(answer, NoReply) or answer.held is None:
        return
    if is_ours:
        answer.held.release()
    else:
        answer.held.discard()


def _stray(mismatch: str) -> Reading:
    return Reading(instead=Instead.OTHER, why=f"this is the answer to another request: {mismatch}")
