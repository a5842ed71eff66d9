"""The receiver's table: who has which event, in SQL that is written once for every database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

from .claims import NO_OTHERS, Claim, ClaimResult, Clock, SameObject, StoredEvent, claim_as_held, decide, overtaken
from .columns import fitted, hashed_id, pack_names, unpack_names
from .database import Column, Database, Index, Table, Value
from .inbox import Inbox
from .statements import Statements

EVENTS: Final = Table(
    "molam_webhook_events",
    2,
    (
        Column("key", "key", primary=True),
        Column("event_id", "name"),
        Column("event_type", "name"),
        Column("object_key", "key", nullable=True),
        Column("created", "time"),
        Column("token", "word"),
        Column("lease_until", "time"),
        Column("done", "flag"),
        Column("finished", "text"),
        Column("touched", "time"),
        Column("ahead", "time", nullable=True, since=2),
        Column("state", "word", nullable=True, since=2),
        Column("object_id", "name", nullable=True, since=2),
        Column("headers", "text", nullable=True, since=2),
        Column("body", "bytes", nullable=True, since=2),
        Column("first_seen", "time", nullable=True, since=2),
        Column("attempts", "count", nullable=True, since=2),
        Column("due", "time", nullable=True, since=2),
        Column("last_error", "text", nullable=True, since=2),
        Column("note", "text", nullable=True, since=2),
        # Never null in a row of this version: where it is, an older one wrote it, and knew no occurrences.
        Column("occurrence", "key", nullable=True, since=2),
    ),
    (
        Index("object", ("object_key", "created")),
        Index("touched", ("touched",)),
        Index("due", ("due",), since=2),
        Index("state", ("state", "first_seen"), since=2),
        Index("occurrence", ("occurrence",), since=2, unique=True),
    ),
)

_FLAGS: Final[Mapping[str, Value]] = {"is_done": True, "not_done": False}

_INSERT: Final = """
@insert_new "@table" ("key", event_id, event_type, object_key, created, token, lease_until, done, finished, touched,
                      ahead, first_seen, attempts, occurrence)
VALUES (:key, :event_id, :event_type, :object_key, :created, :token, @now + :lease, :not_done, '', @now,
        @now - :now, @now, 1, :occurrence)@if_new
"""
_FIND: Final = """
SELECT token, done, lease_until, finished, @now FROM "@table" WHERE "key" = :key
"""
_OTHERS: Final = """
SELECT max(CASE WHEN done = :is_done THEN created END),
       max(CASE WHEN done = :not_done THEN lease_until END),
       min(CASE WHEN done = :not_done AND created < :created THEN coalesce(first_seen, touched) END),
       @now
FROM "@table" WHERE object_key = :object_key AND "key" <> :key
"""
_TAKE_OVER: Final = """
UPDATE "@table" SET token = :token, lease_until = @now + :lease, ahead = @now - :now,
                    attempts = coalesce(attempts, 1) + 1
WHERE "key" = :key AND token = :seen AND done = :not_done AND lease_until <= @now
"""
_RENEW: Final = """
UPDATE "@table" SET lease_until = :lease_until + coalesce(ahead, 0), finished = :finished,
                    due = CASE WHEN due IS NULL THEN NULL ELSE :lease_until + coalesce(ahead, 0) END
WHERE "key" = :key AND token = :token AND done = :not_done
"""
_GIVE_BACK: Final = """
UPDATE "@table" SET lease_until = 0, finished = :finished, due = CASE WHEN due IS NULL THEN NULL ELSE 0 END
WHERE "key" = :key AND token = :token AND done = :not_done
"""
_DONE: Final = """
UPDATE "@table" SET done = :is_done, state = 'done', due = NULL, touched = @now
WHERE "key" = :key AND token = :token AND done = :not_done
"""
_HELD_UNDER: Final = 'SELECT event_id FROM "@table" WHERE occurrence = :occurrence AND "key" <> :key'
_OLDEST: Final = 'SELECT touched FROM "@table" WHERE done = :is_done ORDER BY touched LIMIT 1'
_NEWEST_UNKNOWN: Final = 'SELECT max(touched) FROM "@table" WHERE occurrence IS NULL'
# The inner query is read whole before anything goes, which MySQL wants and the others allow.
_PRUNE: Final = """
DELETE FROM "@table" WHERE "key" IN (
  SELECT "key" FROM (
    SELECT "key" FROM "@table" WHERE touched < :before AND lease_until < :before AND done = :is_done LIMIT 1000
  ) AS old
)
"""


class EventClaims:
    """Claims in a table, and the inbox beside them.

    Leases go by the server's clock, so that clocks of workers may differ as they like.
    """

    transactional = True

    def __init__(self, database: Database, table: str = EVENTS.name, clock: Clock = "server") -> None:
        self._database = database
        self._filled = Statements(database, table, clock)

    @property
    def inbox(self) -> Inbox:
        """The events that are worked on later, in the same table."""
        return Inbox(self._database, self._filled)

    def newest_of(self, claim: Claim) -> float | None:
        """When the newest event of the claim's object that is done was created."""
        return self._others({**_values(claim), "now": 0.0})[0].newest

    def transaction(self) -> AbstractContextManager[None]:
        """The transaction in which handlers run."""
        return self._database.apart()

    def claim(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        values = {**_values(claim), "now": now, "lease": lease_until - now}
        # Each step commits by itself: one that holds its locks for the next could wait for one that does the same.
        # What has no order is taken before it is looked at: one statement for an event that is new.
        if claim.object_id is None and self._change_apart(_INSERT, values):
            return ClaimResult("run")
        result, seen = self._look(claim, values)
        if result.decision != "run":
            return result
        if self._take(values, seen):
            return self._alone(claim, values, result)
        held_under = self._held_under(values) if seen is None else None
        if held_under is not None:
            return self._claim_as(claim_as_held(claim, held_under), now, lease_until)
        # Another worker was faster between the look and the take.
        again, _ = self._look(claim, values)
        return ClaimResult("busy", retry_after=1.0) if again.decision == "run" else again

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        values = {**_held_by(claim), "lease_until": lease_until, "finished": pack_names(finished)}
        # In the open transaction, if there is one: that a handler ran is committed with what it wrote.
        with self._database.transaction():
            return self._changed(_RENEW if lease_until else _GIVE_BACK, values)

    def done(self, claim: Claim, now: float) -> bool:
        """In the open transaction, if there is one. False too where a newer event of the object was done meanwhile."""
        with self._database.transaction():
            if claim.object_id is not None and overtaken(claim, self._others({**_values(claim), "now": now})[0].newest):
                return False
            return self._changed(_DONE, {**_held_by(claim), "now": now})

    def prune(self, before: float) -> int:
        """Forget what is done and was last touched before then; what is not done stays. Some at a time."""
        forgotten = 0
        while True:
            some = self._database.execute(self._filled(_PRUNE), {"before": before, **_FLAGS}).changed
            forgotten += some
            if not some:
                return forgotten

    def remembers_since(self) -> float | None:
        """Since when every occurrence that was handled is known: what is older was forgotten, or told to a version
        that knew none. Unix seconds; None where nothing is remembered yet."""
        oldest = self._database.execute(self._filled(_OLDEST), _FLAGS).rows
        newest_unknown = self._database.execute(self._filled(_NEWEST_UNKNOWN)).rows[0][0]
        return max(float(oldest[0][0]), float(newest_unknown or 0.0)) if oldest else None

    def _claim_as(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        result = self.claim(claim, now, lease_until)
        return result if claim.occurrence is None else replace(result, event_id=claim.event_id)

    def _held_under(self, values: Mapping[str, Value]) -> str | None:
        """The id of another event of the same occurrence."""
        with self._database.apart():
            found = self._database.execute(self._filled(_HELD_UNDER), values).rows
        return str(found[0][0]) if found else None

    def _look(self, claim: Claim, values: Mapping[str, Value]) -> tuple[ClaimResult, str | None]:
        """What the rule says of the event as it stands, and the token that stands there."""
        others, at = NO_OTHERS, float(values["now"] or 0)
        with self._database.apart():
            if claim.object_id is not None:
                others, at = self._others(values)
            found = self._database.execute(self._filled(_FIND), values).rows
        if not found:
            return decide(claim, None, others, at), None
        token, done, lease_until, finished, now = found[0]
        return decide(claim, StoredEvent(bool(done), lease_until, unpack_names(finished)), others, now), token

    def _others(self, values: Mapping[str, Value]) -> tuple[SameObject, float]:
        """The other events of the object, and the time."""
        newest, leased_until, waiting_since, now = self._database.execute(self._filled(_OTHERS), values).rows[0]
        return SameObject(newest, leased_until, waiting_since), now

    def _alone(self, claim: Claim, values: Mapping[str, Value], taken: ClaimResult) -> ClaimResult:
        """The event that was taken, unless another of its object was taken at the same moment: then both go back."""
        if claim.object_id is None:
            return taken
        with self._database.apart():
            others, now = self._others(values)
        if others.leased_until is None or others.leased_until <= now:
            return taken
        self.renew(claim, 0.0, taken.finished)
        return ClaimResult("busy", retry_after=1.0)

    def _take(self, values: Mapping[str, Value], seen: str | None) -> bool:
        """Whether this worker got the event: by a row of its own, or by replacing the token that was seen."""
        if seen is None:
            return self._change_apart(_INSERT, values)
        return self._change_apart(_TAKE_OVER, {**values, "seen": seen})

    def _change_apart(self, statement: str, values: Mapping[str, Value]) -> bool:
        with self._database.apart():
            return self._changed(statement, values)

    def _changed(self, statement: str, values: Mapping[str, Value]) -> bool:
        return self._database.execute(self._filled(statement), values).changed == 1


def _values(claim: Claim) -> dict[str, Value]:
    return {
        **_held_by(claim),
        "event_id": fitted(claim.event_id),
        "event_type": fitted(claim.event_type),
        "object_key": None if claim.object_id is None else hashed_id(claim.object_id),
        "occurrence": hashed_id(claim.occurrence or claim.event_id),
        "created": claim.created,
    }


def _held_by(claim: Claim) -> dict[str, Value]:
    return {"key": hashed_id(claim.event_id), "token": claim.token, **_FLAGS}
