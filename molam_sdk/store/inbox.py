"""The inbox: events that are stored now and worked on later, and the dead letters among them.

It stands in the receiver's table. Whatever is not done or resolved is kept for ever.
"""

from __future__ import annotations

import heapq
import json
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from .claims import Claim, claim_as_held
from .columns import fitted, hashed_id, pack_names
from .database import Database, Value
from .inbox_event import (
    COLUMNS,
    STATES,
    UNFINISHED,
    Arrival,
    InboxEvent,
    InboxFigures,
    InboxState,
    UnknownEventError,
    event_of,
)
from .statements import Statements

__all__ = ["STATES", "UNFINISHED", "Arrival", "Inbox", "InboxEvent", "InboxFigures", "InboxState", "UnknownEventError"]

_STORE: Final = """
@insert_new "@table" ("key", event_id, event_type, object_key, object_id, created, token, lease_until, done, finished,
                      touched, first_seen, attempts, state, due, headers, body, occurrence)
VALUES (:key, :event_id, :event_type, :object_key, :object_id, :created, '', 0, :no, '',
        @now, @now, 0, 'received', @now, :headers, :body, :occurrence)@if_new
"""
# An event that was claimed without the inbox and is not done: from the end of its lease on, the inbox sees to it.
_ADOPT: Final = """
UPDATE "@table" SET state = 'received', due = CASE WHEN lease_until > @now THEN lease_until ELSE @now END,
                    headers = :headers, body = :body, object_id = :object_id, object_key = :object_key,
                    first_seen = coalesce(first_seen, @now), attempts = 0
WHERE "key" = :key AND done = :no AND state IS NULL
"""
_HELD: Final = 'SELECT "key", event_id FROM "@table" WHERE "key" = :key OR occurrence = :occurrence'
# Of the events of one object the first comes first: no later one starts before it is done or resolved.
_DUE: Final = """
SELECT "key" FROM "@table" AS one
WHERE due <= @now AND lease_until <= @now AND done = :no AND (object_key IS NULL OR NOT EXISTS (
  SELECT 1 FROM "@table" AS earlier
  WHERE earlier.object_key = one.object_key AND earlier.done = :no AND earlier.state IS NOT NULL
    AND (earlier.created < one.created
         OR (earlier.created = one.created AND earlier.first_seen < one.first_seen)
         OR (earlier.created = one.created AND earlier.first_seen = one.first_seen AND earlier."key" < one."key"))))
ORDER BY due LIMIT @some"""
_TAKE: Final = """
UPDATE "@table" SET token = :token, lease_until = @now + :lease, due = @now + :lease, ahead = @now - :now,
                    attempts = attempts + 1, touched = @now
WHERE "key" = @which AND due <= @now AND lease_until <= @now AND done = :no"""
_SHOW: Final = 'SELECT @columns, body FROM "@table" WHERE "key" = :key AND state IS NOT NULL'
_LIST: Final = """
SELECT @columns@body FROM "@table"
WHERE state = :state AND (first_seen > :after OR (first_seen = :after AND "key" > :after_key))
ORDER BY first_seen, "key" LIMIT @some
"""
_FAIL: Final = """
UPDATE "@table" SET state = 'failed', due = @now + :pause, lease_until = 0, finished = :finished, last_error = :error,
                    touched = @now
WHERE "key" = :key AND token = :token AND done = :no
"""
_BURY: Final = """
UPDATE "@table" SET state = 'dead', due = NULL, lease_until = 0, finished = :finished, last_error = :error,
                    touched = @now
WHERE "key" = :key AND token = :token AND done = :no
"""
_RETRY: Final = """
UPDATE "@table" SET state = 'received', due = @now, attempts = 0, touched = @now
WHERE "key" = :key AND done = :no AND state IN ('received', 'failed', 'dead') AND lease_until <= @now
"""
_RETRY_ALL: Final = """
UPDATE "@table" SET state = 'received', due = @now, attempts = 0, touched = @now
WHERE done = :no AND state IN ('failed', 'dead') AND lease_until <= @now
"""
_AGAIN: Final = """
UPDATE "@table" SET state = 'received', due = @now, attempts = 0, done = :no, finished = '', touched = @now
WHERE "key" = :key AND body IS NOT NULL AND lease_until <= @now
"""
_RESOLVE: Final = """
UPDATE "@table" SET state = 'resolved', done = :yes, due = NULL, note = :note, touched = @now
WHERE "key" = :key AND done = :no AND state IS NOT NULL
"""
_FIGURES: Final = """
SELECT state, count(*), sum(CASE WHEN lease_until > @now THEN 1 ELSE 0 END), @now - min(first_seen)
FROM "@table" WHERE state IN ('received', 'failed', 'dead') AND done = :no GROUP BY state
"""
_CANDIDATES: Final = 16
_PAGE: Final = 200
_PAGE_OF_BODIES: Final = 16
_KEY: Final = re.compile(r"[0-9a-f]{64}")


class Inbox:
    """Stored events in a database. ``now`` is the caller's clock, which counts only where the store was told so."""

    def __init__(self, database: Database, statements: Statements) -> None:
        self._database = database
        self._filled = statements

    def store(self, arrival: Arrival, now: float) -> bool:
        """Keep an event for a worker; False if it is here already. It is on disk when this returns."""
        values = {**_values(arrival), "now": now, "no": False}
        if self._change(_STORE, values) or self._change(_ADOPT, values):
            return True
        held = self._database.execute(self._filled(_HELD), values).rows
        if not held or arrival.occurrence is None or any(key == values["key"] for key, _ in held):
            return False
        # Another event tells of the same occurrence.
        known = claim_as_held(Claim(arrival.event_id, "", "", occurrence=arrival.occurrence), str(held[0][1]))
        return self.store(replace(arrival, event_id=known.event_id, occurrence=known.occurrence), now)

    def take(self, token: str, now: float, lease_seconds: float) -> InboxEvent | None:
        """Lease the next event that is due, or None; each goes to one worker."""
        values: dict[str, Value] = {"token": token, "now": now, "lease": lease_seconds, "no": False}
        key = self._take_skipping(values) if self._database.dialect.skip_locked else self._take_seen(values)
        return None if key is None else self.show(key)

    def fail(
        self, event: InboxEvent, token: str, now: float, *, pause: float, error: str, finished: Sequence[str]
    ) -> bool:
        """Have a leased event tried again after ``pause`` seconds; False if another worker has it by now."""
        return self._change(_FAIL, {**_outcome(event, token, now, error, finished), "pause": pause})

    def bury(self, event: InboxEvent, token: str, now: float, *, error: str, finished: Sequence[str]) -> bool:
        """Give a leased event up, until somebody retries or resolves it; False if another worker has it by now."""
        return self._change(_BURY, _outcome(event, token, now, error, finished))

    def show(self, event_id: str) -> InboxEvent:
        """One event with its body, by its id or its key; ``UnknownEventError`` if the inbox has none."""
        rows = self._database.execute(self._filled(_SHOW, columns=COLUMNS), {"key": _key(event_id)}).rows
        if not rows:
            raise UnknownEventError(f"the inbox has no event {event_id}")
        return event_of(rows[0])

    def list(self, *states: InboxState, bodies: bool = False) -> Iterator[InboxEvent]:
        """Events in these states (all that are not done if none is named), the oldest first, a page at a time."""
        unknown = [state for state in states if state not in STATES]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no state of an event: it is one of {', '.join(STATES)}")
        pages = [self._pages(state, bodies) for state in states or UNFINISHED]
        return heapq.merge(*pages, key=lambda event: (event.first_seen, event.key))

    def retry(self, event_id: str, now: float | None = None, *, again: bool = False) -> None:
        """Have an event run now, with all its attempts before it; ``again`` also one that is done or resolved.

        ``UnknownEventError`` where there is none, it runs at this moment, or it is done and ``again`` was not said.
        """
        if not self._change(_AGAIN if again else _RETRY, {"key": _key(event_id), "now": _or_present(now), "no": False}):
            raise UnknownEventError(f"event {event_id} cannot be retried: {self._why_not(event_id)}")

    def retry_failed(self, now: float | None = None) -> int:
        """Have every event run now that failed or was given up; how many."""
        values: dict[str, Value] = {"now": _or_present(now), "no": False}
        return self._database.execute(self._filled(_RETRY_ALL), values).changed

    def resolve(self, event_id: str, note: str, now: float | None = None) -> None:
        """Close an event by hand, with a note of what was done about it; ``UnknownEventError`` if none is open."""
        if not note.strip():
            raise ValueError("note is empty: say what was done about the event")
        values: dict[str, Value] = {"key": _key(event_id), "note": fitted(note, 10_000), "now": _or_present(now)}
        if not self._change(_RESOLVE, {**values, "yes": True, "no": False}):
            raise UnknownEventError(f"event {event_id} cannot be resolved: {self._why_not(event_id)}")

    def figures(self, now: float | None = None) -> InboxFigures:
        """How many are where; only what is not done is counted, so this is quick however much was done."""
        rows = self._database.execute(self._filled(_FIGURES), {"now": _or_present(now), "no": False}).rows
        counts = {str(state): int(count) for state, count, _, _ in rows}
        in_flight = sum(int(leased or 0) for _, _, leased, _ in rows)
        ages = {str(state): max(0.0, float(age or 0.0)) for state, *_, age in rows}
        waiting = max((age for state, age in ages.items() if state != "dead"), default=0.0)
        received, failed, dead = (counts.get(state, 0) for state in UNFINISHED)
        return InboxFigures(received, failed, dead, in_flight, max(ages.values(), default=0.0), waiting)

    def _take_skipping(self, values: Mapping[str, Value]) -> str | None:
        """Find and lease in one statement, past what others are leasing at this moment."""
        dialect = self._database.dialect
        which = "(" + self._filled(_DUE, some="1") + dialect.skip_locked + ")"
        taken = self._database.execute(self._filled(_TAKE, which=which) + ' RETURNING "key"', values).rows
        return str(taken[0][0]) if taken else None

    def _take_seen(self, values: Mapping[str, Value]) -> str | None:
        """Look at some that are due, and lease one that nobody else has leased meanwhile.

        Not in one transaction: where it began by reading, SQLite refuses the write of all but one.
        """
        due = [row[0] for row in self._database.execute(self._filled(_DUE, some=str(_CANDIDATES)), values).rows]
        random.shuffle(due)
        for key in due:
            if self._change(_TAKE, {**values, "key": key}, which=":key"):
                return str(key)
        return None

    def _pages(self, state: InboxState, bodies: bool) -> Iterator[InboxEvent]:
        size = _PAGE_OF_BODIES if bodies else _PAGE
        statement = self._filled(_LIST, columns=COLUMNS, body=", body" if bodies else "", some=str(size))
        after, after_key = -1.0, ""
        while True:
            values: dict[str, Value] = {"state": state, "after": after, "after_key": after_key}
            rows = self._database.execute(statement, values).rows
            for row in rows:
                event = event_of(row)
                after, after_key = event.first_seen, event.key
                yield event
            if len(rows) < size:
                return

    def _why_not(self, event_id: str) -> str:
        event = self.show(event_id)
        return "a worker has it at this moment" if event.state in UNFINISHED else f"it is {event.state}"

    def _change(self, statement: str, values: Mapping[str, Value], **parts: str) -> bool:
        return self._database.execute(self._filled(statement, **parts), values).changed == 1


def _values(arrival: Arrival) -> dict[str, Value]:
    return {
        "key": hashed_id(arrival.event_id),
        "event_id": fitted(arrival.event_id),
        "event_type": fitted(arrival.event_type),
        "object_id": None if arrival.object_id is None else fitted(arrival.object_id),
        "object_key": hashed_id(arrival.object_id) if arrival.in_order and arrival.object_id else None,
        "occurrence": hashed_id(arrival.occurrence or arrival.event_id),
        "created": arrival.created,
        "headers": json.dumps(dict(arrival.headers)),
        "body": arrival.body,
    }


def _outcome(event: InboxEvent, token: str, now: float, error: str, finished: Sequence[str]) -> dict[str, Value]:
    return {
        "key": event.key,
        "token": token,
        "now": now,
        "error": fitted(error, 20_000),
        "finished": pack_names(finished),
        "no": False,
    }


def _or_present(now: float | None) -> float:
    return time.time() if now is None else now


def _key(event_id: str) -> str:
    return event_id if _KEY.fullmatch(event_id) else hashed_id(event_id)
