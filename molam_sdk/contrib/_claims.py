"""Who may work on an event: the values, the one rule, and the seam that every dedupe store implements."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

Verdict = Literal["run", "duplicate", "stale", "busy"]


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
class Record:
    """What a store holds of an event: ``lease_until`` is Unix seconds, ``finished`` names the handlers that ran."""

    done: bool
    lease_until: float
    finished: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """A store's answer to a claim. ``retry_after`` is seconds; ``finished`` names handlers not to run again."""

    verdict: Verdict
    retry_after: float = 0.0
    finished: tuple[str, ...] = ()


def decide(claim: Claim, record: Record | None, newest: float | None, now: float) -> Grant:
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
    if record is not None and record.done:
        return Grant("duplicate")
    if record is not None and record.lease_until > now:
        return Grant("busy", retry_after=record.lease_until - now)
    if newest is not None and claim.created < newest:
        return Grant("stale")
    return Grant("run", finished=record.finished if record is not None else ())


class Store(Protocol):
    """Where claims are kept. Every method is atomic among all workers; times are Unix seconds and passed in.

    A store whose ``transactional`` is true lets handlers write in the transaction that marks the event done, so
    that both happen or neither does, even if the worker is killed in between.
    """

    transactional: bool

    def claim(self, claim: Claim, now: float, lease_until: float) -> Grant:
        """Take the event until ``lease_until``, or say why not."""
        ...

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        """Keep the event until then (0 gives it back) and note what ran; False if another worker has it."""
        ...

    def done(self, claim: Claim, now: float) -> bool:
        """Mark the event handled for good, in the open transaction if there is one; False if another has it."""
        ...

    def prune(self, before: float) -> int:
        """Forget events that were last touched before then; how many went."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """The transaction in which handlers run; one that does nothing where the store has none to share."""
        ...


def key_of(name: str) -> str:
    """SHA-256 of an id: exact and of one length, whatever a database's collation takes for equal."""
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()


def pack(finished: Sequence[str]) -> str:
    """Names of handlers as one text for a column."""
    return "\n".join(finished)


def unpack(text: str) -> tuple[str, ...]:
    """The names that ``pack`` put together."""
    return tuple(text.split("\n")) if text else ()
