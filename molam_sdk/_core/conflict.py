"""Whether a state conflict is of our own making: the object is read, and says so."""

from __future__ import annotations

from typing import Generic, TypeVar

from ..exceptions import Outcome
from .answer import UnreadableError
from .invocation import Invocation
from .lookup import TRIES, Lookup
from .wire import NoReply, Reply, Request

T = TypeVar("T")
EndT = TypeVar("EndT")


class ConflictLookup(Generic[T, EndT]):
    """``conflict``: how the call ends unless the operation was carried out. ``outcome`` and ``found``: what is known by
    now of that, and of the object; ``is_strays``: the answer was about another one."""

    __slots__ = ("_invocation", "_lookup", "_reads", "conflict", "found", "is_strays", "outcome")

    def __init__(self, invocation: Invocation[T], lookup: Lookup, conflict: EndT) -> None:
        self.conflict = conflict
        self.found: T | None = None
        self.is_strays = False
        self.outcome: Outcome = "unknown"
        self._invocation = invocation
        self._lookup = lookup
        self._reads = 0

    def request(self, first: Request) -> Request:
        """What reads the object of a request."""
        return self._lookup.request(first)

    def take_in(self, answer: Reply | NoReply) -> bool:
        """Take in what was read; whether it is worth reading once more."""
        self._reads += 1
        self.found = found = self._object_in(answer)
        if found is not None:
            self.outcome = self._lookup.outcome(found, self._invocation.body)
        return found is None and self._reads < TRIES

    def _object_in(self, answer: Reply | NoReply) -> T | None:
        if isinstance(answer, NoReply) or not 200 <= answer.status < 300:
            return None
        try:
            found = self._invocation.operation.parse(answer)
        except UnreadableError:
            return None
        self.is_strays = self._invocation.mismatch(found) is not None
        return None if self.is_strays else found
