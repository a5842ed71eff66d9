"""Who may work on an event: a claim, its answer, and the one rule that every store follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

ClaimDecision = Literal["run", "duplicate", "busy"]
Clock = Literal["server", "caller"]
"""Whose clock leases go by: the store's server's, or that of whoever claims (for tests that hold their clock)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One worker's wish to work on one event.

    ``token`` is the worker's alone: whoever no longer holds the lease cannot settle the event. ``created`` is Unix
    seconds. ``object_id`` is None where events of one object may be handled in any order. ``newest`` is what the
    claim's result said of the object when the event was granted; a store reads it at the mark.

    ``occurrence`` names what happened to which object, where that happens once: the id that a synthetic event of it
    has. A store holds an occurrence under one id, whichever event came first.
    """

    event_id: str
    event_type: str
    token: str
    object_id: str | None = None
    created: float = 0.0
    newest: float | None = None
    occurrence: str | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """What a store holds of an event: ``lease_until`` is Unix seconds, ``finished`` names the handlers that ran."""

    done: bool
    lease_until: float
    finished: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SameObject:
    """What a store holds of the other events of a claim's object, if the claim names one; times are Unix seconds.

    ``newest``: when the newest one that is done was created. ``leased_until``: the latest end of a lease on one that is
    not done. ``waiting_since``: when the longest-known one that is not done and was created before the claim's was
    claimed for the first time.
    """

    newest: float | None = None
    leased_until: float | None = None
    waiting_since: float | None = None


NO_OTHERS: Final = SameObject()
PATIENCE_SECONDS: Final = 1800.0
"""How long an event waits for an older one of its object that failed: Molam has retried that one thrice by then."""
_AGAIN_IN: Final = 60.0


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A store's answer to a claim. ``retry_after`` is seconds; ``finished`` names handlers not to run again.

    ``newest`` is when the newest handled event of the same object was created. ``event_id`` is what the store holds
    the event under, where another event of the same occurrence came first.
    """

    decision: ClaimDecision
    retry_after: float = 0.0
    finished: tuple[str, ...] = ()
    newest: float | None = None
    event_id: str | None = None


def decide(claim: Claim, stored: StoredEvent | None, others: SameObject | float | None, now: float) -> ClaimResult:
    """The rule of every store. Of ``others`` a store that keeps no more may give ``newest`` alone.

    ==========================================================  =========
    the event is                                                the claim
    ==========================================================  =========
    done                                                        duplicate
    leased to another worker                                    busy
    of an object whose other event is leased                    busy
    newer than one of its object that failed, within patience   busy
    new, or left behind, also where a newer one is done         run
    ==========================================================  =========

    What was not done is never dropped: an event that comes after a newer one runs, and is ``late``.
    """
    others = others if isinstance(others, SameObject) else SameObject(newest=others)
    if stored is not None and stored.done:
        return ClaimResult("duplicate")
    if stored is not None and stored.lease_until > now:
        return ClaimResult("busy", retry_after=stored.lease_until - now)
    if others.leased_until is not None and others.leased_until > now:
        return ClaimResult("busy", retry_after=others.leased_until - now)
    if others.waiting_since is not None and now - others.waiting_since < PATIENCE_SECONDS:
        return ClaimResult("busy", retry_after=min(_AGAIN_IN, others.waiting_since + PATIENCE_SECONDS - now))
    return ClaimResult("run", finished=stored.finished if stored is not None else (), newest=others.newest)


def claim_as_held(claim: Claim, held_under: str) -> Claim:
    """The claim to make where the store holds its occurrence under another event's id.

    A synthetic event and a real one are one event, whichever came first. Two real ones are two: Molam told twice.
    """
    if claim.occurrence in (claim.event_id, held_under):
        return replace(claim, event_id=held_under)
    return replace(claim, occurrence=None)


def is_late(claim: Claim, newest: float | None) -> bool:
    """Whether a newer event of the same object is done."""
    return newest is not None and claim.created < newest


def overtaken(claim: Claim, newest: float | None) -> bool:
    """Whether a newer event was done since the claim was granted: a transactional store asks at the mark.

    It then answers ``done`` with False, so that what the handlers wrote is undone; the next delivery runs as late.
    """
    return is_late(claim, newest) and newest != claim.newest
