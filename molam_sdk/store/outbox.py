"""The outbox: operations that stand in the journal and are still to be made, and ends that are still to be told.

It stands in the journal's table: ``due`` says when a worker is to look at an entry, and is NULL where none is.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import Context
from typing import Final

from .._thread_end import let_go_here
from ..journal.entry import Asked, Entry
from ..journal.figures import OutboxFigures
from ..journal.rules import Decision, Ruling, ruling_on
from .columns import hashed_id
from .database import Database, Value
from .entry_rows import READ, asked_values, entry_of
from .pauses import pause_since, spread
from .sealing import Seal
from .statements import Statements

_ENQUEUE: Final = """
@insert_new "@table" (key_hash, idempotency_key, state, closed, operation, method, path, body, body_hash,
                      base_url, account, actor, trace_id, first_used, attempts, token, lease_until, object_key,
                      queued, due)
VALUES (:key_hash, :key, 'queued', :no, :operation, :method, :path, :body, :body_hash,
        :base_url, :account, :actor, :trace_id, @now, 0, '', 0, :object_key, @now, @now)@if_new
"""
_ENQUEUE_AGAIN: Final = """
UPDATE "@table" SET state = 'queued', closed = :no, account = :account, actor = :actor, trace_id = :trace_id,
                    first_used = @now, queued = @now, due = @now
WHERE key_hash = :key_hash AND state = 'free' AND lease_until <= @now
"""
_FIND: Final = f'SELECT {READ}, @now FROM "@table" WHERE key_hash = :key_hash'  # noqa: S608 - our own names
_DUE: Final = """
SELECT key_hash FROM "@table"
WHERE due <= @now AND lease_until <= @now AND base_url = :base_url@only ORDER BY due LIMIT @some"""
# The state comes last: MySQL goes by the new value of what was set before.
_TAKE: Final = """
UPDATE "@table" SET token = :token, lease_until = @now + :lease, account = coalesce(account, :account),
                    first_used = CASE WHEN state = 'queued' THEN @now ELSE first_used END,
                    outcome = CASE WHEN state = 'queued' THEN NULL ELSE outcome END,
                    due = CASE WHEN state = 'queued' THEN NULL ELSE due END,
                    state = CASE WHEN state = 'queued' THEN 'open' ELSE state END
WHERE key_hash = @which AND due <= @now AND lease_until <= @now"""
_TOLD: Final = """
UPDATE "@table" SET due = NULL, lease_until = 0 WHERE key_hash = :key_hash AND token = :token AND due IS NOT NULL
"""
_TELL_LATER: Final = f"""
UPDATE "@table" SET lease_until = 0, due = @now + {pause_since("coalesce(ended, queued)")}
WHERE key_hash = :key_hash AND token = :token AND due IS NOT NULL
"""  # noqa: S608 - our own names
_QUEUED: Final = "state = 'queued'"
_FIGURES: Final = f"""
SELECT sum(CASE WHEN {_QUEUED} THEN 1 ELSE 0 END), @now - min(CASE WHEN {_QUEUED} THEN queued ELSE NULL END),
       sum(CASE WHEN {_QUEUED} AND ended >= queued THEN 1 ELSE 0 END), sum(CASE WHEN {_QUEUED} THEN 0 ELSE 1 END)
FROM "@table" WHERE due > -1e18
"""  # noqa: S608 - our own names; SQLite uses no index for IS NOT NULL
_CANDIDATES: Final = 16


class OutboxEntries:
    """Operations that are to be made, in the table of a journal."""

    def __init__(self, database: Database, filled: Statements, seal: Seal | None = None) -> None:
        self._database, self._filled, self._seal = database, filled, seal

    def enqueue(self, asked: Asked, transaction: object) -> Ruling:
        """Write an operation down in the shop's own transaction; the ruling says no where its key is another's.

        ``transaction``: the shop's, where the database cannot see by itself which one is open. ``ValueError`` where
        there is none. Nothing happens where the same operation stands under the key already.
        """
        with self._database.joined(transaction):
            values = {**asked_values(asked, self._seal), "no": False}
            if self._database.execute(self._filled(_ENQUEUE), values).changed == 1:
                return ruling_on(None, asked)
            ruling = ruling_on(entry_of(self._database.execute(self._filled(_FIND), values).rows[0], self._seal), asked)
            if ruling.decision is Decision.SEND:
                self._database.execute(self._filled(_ENQUEUE_AGAIN), values)
            return ruling

    def take(self, token: str, lease_seconds: float, account: str | None, base_url: str) -> Entry | None:
        """Lease an entry that is due: ``open`` where it is to be made now, else its end is to be told."""
        values: dict[str, Value] = {
            "token": token, "lease": lease_seconds, "account": account, "base_url": base_url,
        }  # fmt: skip
        only = "" if account is None else " AND (account IS NULL OR account = :account)"
        return (self._take_skipping if self._database.dialect.skip_locked else self._take_seen)(values, only)

    def telling(self) -> AbstractContextManager[None]:
        """The transaction in which an end is told."""
        return self._database.apart()

    def told(self, entry: Entry) -> bool:
        """Nobody need be told of it any more, in the open transaction; False where another worker has it by now."""
        values: dict[str, Value] = {"key_hash": hashed_id(entry.key), "token": entry.token}
        return self._database.execute(self._filled(_TOLD), values).changed == 1

    def tell_later(self, entry: Entry) -> None:
        """Have its end told again: who was told has failed."""
        values: dict[str, Value] = {"key_hash": hashed_id(entry.key), "token": entry.token, "spread": spread()}
        self._database.commit(self._filled(_TELL_LATER), values)

    def figures(self) -> OutboxFigures:
        """How many wait, and for how long; only they are looked at, however much was made. In no transaction of whoever
        asks."""
        return Context().run(self._figures)

    def _figures(self) -> OutboxFigures:
        queued, oldest, failed, untold = self._database.execute(self._filled(_FIGURES)).rows[0]
        return OutboxFigures(int(queued or 0), max(0.0, float(oldest or 0.0)), int(failed or 0), int(untold or 0))

    def leave_thread(self) -> None:
        """Called by a thread that ends."""
        let_go_here(self._database)

    def _take_skipping(self, values: Mapping[str, Value], only: str) -> Entry | None:
        """Find and lease in one statement, past what others are leasing at this moment."""
        which = "(" + self._filled(_DUE, only=only, some="1") + self._database.dialect.skip_locked + ")"
        taken = self._database.commit(self._filled(f"{_TAKE} RETURNING {READ}, @now", which=which), values).rows
        return entry_of(taken[0], self._seal) if taken else None

    def _take_seen(self, values: Mapping[str, Value], only: str) -> Entry | None:
        """Look at some that are due, and lease one that nobody else has leased meanwhile.

        Not in one transaction: where it began by reading, SQLite refuses the write of all but one.
        """
        due = [
            row[0] for row in self._database.execute(self._filled(_DUE, only=only, some=str(_CANDIDATES)), values).rows
        ]
        random.shuffle(due)
        for key in due:
            taken = {**values, "key_hash": key}
            if self._database.commit(self._filled(_TAKE, which=":key_hash"), taken).changed == 1:
                return entry_of(self._database.execute(self._filled(_FIND), taken).rows[0], self._seal)
        return None
