"""Who may work on an event: a claim, its answer, and the one rule that every store follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ClaimDecision = Literal["run", "duplicate", "stale", "busy"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One worker's wish to work on one event.

    ``token`` is the worker's alone: whoever no longer holds the lease cannot settle the event. ``created`` is Unix
    seconds. ``object_id`` is None where events of one object may be handled in any order.
    """

    event_id: str
    event_type: str
    token: str
    object_id: str | None = None
    created: float = 0.0


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """What a store holds of an event: ``lease_until`` is Unix seconds, ``finished`` names the handlers that ran."""

    done: bool
    lease_until: float
    finished: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A store's answer to a claim. ``retry_after`` is seconds; ``finished`` names handlers not to run again."""

    decision: ClaimDecision
    retry_after: float = 0.0
    finished: tuple[str, ...] = ()


def decide(claim: Claim, stored: StoredEvent | None, newest: float | None, now: float) -> ClaimResult:
    """The rule of every store. ``newest`` is when the newest handled event of the same object was created.

    ====================  =========
    the event is          the claim
    ====================  =========
    done                  duplicate
    leased to another     busy
    older than handled    stale
    new, or left behind   run
    ====================  =========
    """
    if stored is not None and stored.done:
        return ClaimResult("duplicate")
    if stored is not None and stored.lease_until > now:
        return ClaimResult("busy", retry_after=stored.lease_until - now)
    if newest is not None and claim.created < newest:
        return ClaimResult("stale")
    return ClaimResult("run", finished=stored.finished if stored is not None else ())
