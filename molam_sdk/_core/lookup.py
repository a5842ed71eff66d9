"""Looking an object up, where an answer cannot tell whether an earlier attempt of ours made the state it speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ..exceptions import Outcome
from .wire import Request

TRIES: Final = 3
_NOT_FOR_A_READ: Final = ("Idempotency-Key", "Content-Type")


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the status of an operation's object says: ``done``: the operation was carried out; ``never``: it was not,
    and will not be. Any other status, and one that Molam adds tomorrow, leaves the outcome unknown.

    ``suffix``: what the operation's path has after the object's. ``same``: a field of the body, and the field of the
    object that must equal it.
    """

    suffix: str
    done: frozenset[str]
    never: frozenset[str]
    same: tuple[str, str] | None = None

    def request(self, first: Request) -> Request:
        """What reads the object of a request, by the same deadline."""
        headers = {name: value for name, value in first.headers.items() if name not in _NOT_FOR_A_READ}
        return Request("GET", first.url.removesuffix(self.suffix), headers, None, first.deadline)

    def outcome(self, found: object, body: bytes | None) -> Outcome:
        """What became of the operation."""
        status = vars(found)["status"]
        if status in self.done and self._is_same(vars(found), body):
            return "accepted"
        return "rejected" if status in self.never else "unknown"

    def given_to_another_amount(self, answer: object, body: bytes | None) -> str | None:
        """Why an answer in which the operation was carried out is that of one about another amount."""
        came = vars(answer)
        if self.same is None or came["status"] not in self.done or came[self.same[1]] is None:
            return None
        return None if self._is_same(came, body) else f"{self.same[1]} {came[self.same[1]]} is not what was asked for"

    def _is_same(self, found: Mapping[str, object], body: bytes | None) -> bool:
        """The whole was asked for where the body names nothing."""
        if self.same is None or body is None:
            return True
        from pydantic_core import from_json

        asked, came = from_json(body).get(self.same[0]), found.get(self.same[1])
        if asked is None:
            return came is None or came == found.get(self.same[0])
        return came == Decimal(str(asked))
