"""How an event is claimed in a table, whatever speaks to the database: look, decide, then take what was seen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from .claims import Claim, ClaimResult, StoredEvent, decide
from .columns import pack_names, unpack_names


@dataclass(frozen=True, slots=True)
class EventRow:
    """The columns of an event that the rule reads; ``token`` is of the worker that took it last."""

    token: str
    done: bool
    lease_until: float
    finished: str


class RowStore(ABC):
    """A store on one table with a row per event; the abstract methods are what a database must do."""

    transactional = True

    def claim(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        result, token = self._look(claim, now)
        if result.decision != "run" or self._take(claim, now, lease_until, token):
            return result
        # Another worker was faster between the look and the take.
        again, _ = self._look(claim, now)
        return ClaimResult("busy", retry_after=1.0) if again.decision == "run" else again

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        return self._renew_row(claim, lease_until, pack_names(finished))

    @abstractmethod
    def done(self, claim: Claim, now: float) -> bool: ...

    @abstractmethod
    def prune(self, before: float) -> int: ...

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]: ...

    @abstractmethod
    def _read_row(self, claim: Claim) -> tuple[EventRow | None, float | None]:
        """The event's row, and when the newest handled event of the same object was created."""

    @abstractmethod
    def _insert_row(self, claim: Claim, now: float, lease_until: float) -> bool:
        """Write the event's row; False if it is there already. An open transaction survives that."""

    @abstractmethod
    def _take_over_row(self, claim: Claim, now: float, lease_until: float, token: str) -> bool:
        """Put the claim's token in the place of ``token``; False if the row is done, leased or another's by now."""

    @abstractmethod
    def _renew_row(self, claim: Claim, lease_until: float, finished: str) -> bool:
        """Change a row that is not done and has the claim's token; False if there is none."""

    def _look(self, claim: Claim, now: float) -> tuple[ClaimResult, str | None]:
        """What the rule says of the event as it stands, and the token that stands there."""
        row, newest = self._read_row(claim)
        if row is None:
            return decide(claim, None, newest, now), None
        stored = StoredEvent(row.done, row.lease_until, unpack_names(row.finished))
        return decide(claim, stored, newest, now), row.token

    def _take(self, claim: Claim, now: float, lease_until: float, token: str | None) -> bool:
        """Whether this worker got the event: by a row of its own, or by replacing the token that was seen."""
        if token is None:
            return self._insert_row(claim, now, lease_until)
        return self._take_over_row(claim, now, lease_until, token)
