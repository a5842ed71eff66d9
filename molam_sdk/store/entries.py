"""The journal's table: what was asked under which key, in SQL that is written once for every database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from typing import Final

from .._interruption import raised_from_outside
from .._thread_end import let_go_here
from ..journal.entry import CLOSED, EVENT, Asked, End, Entry
from ..journal.figures import JournalFigures
from ..journal.rules import CLOCK_SKEW_SECONDS, Decision, ruling_on
from ..journal.seam import Begun, UncertainWriteError, Wanted
from .columns import hashed_id
from .database import Database, LostCommitError, Result, Value
from .database.schema import ensure
from .entry_objects import EntryObjects, listed
from .entry_rows import ENTRIES, READ, asked_values, end_values, entry_of, resealed
from .outbox import OutboxEntries
from .pauses import pause_since
from .sealing import Seal
from .statements import Statements

__all__ = ["ENTRIES", "JournalEntries"]

_INSERT: Final = """
@insert_new "@table" (key_hash, idempotency_key, state, closed, outcome, operation, method, path, body, body_hash,
                      base_url, account, actor, trace_id, first_used, attempts, token, lease_until, object_key,
                      undo_key)
VALUES (:key_hash, :key, 'open', :no, :outcome, :operation, :method, :path, :body, :body_hash,
        :base_url, :account, :actor, :trace_id, @now - :age, 0, :token, @now + :lease, :object_key, :undo_key)@if_new
"""
_TAKE: Final = """
UPDATE "@table" SET state = 'open', closed = :no, outcome = :outcome, token = :token, lease_until = @now + :lease,
                    account = :account, actor = :actor, trace_id = :trace_id, ended = NULL, code = NULL,
                    due = NULL@first_use
WHERE key_hash = :key_hash AND token = :seen AND state = :seen_state AND (lease_until <= @now OR token = :token)
"""
_ANEW: Final = ", first_used = @now - :age, object_key = :object_key, undo_key = :undo_key"
_AGAIN: Final = ", undo_key = coalesce(:undo_key, undo_key)"
_END: Final = """
UPDATE "@table" SET state = @state, closed = @closed, due = @due, outcome = :outcome, code = :code,
                    request_id = coalesce(:request_id, request_id), attempts = attempts + :attempts,
                    account = coalesce(:account, account), answer_status = :answer_status, answer_head = :answer_head,
                    answer_body = :answer_body, note = coalesce(:note, note), ended = @now, lease_until = @kept,
                    object_key = coalesce(:object_key, object_key)
WHERE key_hash = :key_hash AND @whose
"""
_GIVE_BACK: Final = """
UPDATE "@table" SET attempts = attempts + :attempts, code = :code, ended = @now, lease_until = 0
WHERE key_hash = :key_hash AND closed = :no AND token = :token AND outcome IS NOT NULL
"""
_SEAL_AGAIN: Final = """
UPDATE "@table" SET body = :body, body_hash = :body_hash, answer_body = :answer_body, note = :note
WHERE key_hash = :key_hash AND token = :token AND state = :state AND lease_until <= @now
"""
_FIND: Final = f'SELECT {READ}, @now FROM "@table" WHERE @which'  # noqa: S608 - our own names
_PAGE: Final = f"""SELECT {READ}, @now FROM "@table"
WHERE closed = :closed AND first_used >= :after AND NOT (first_used = :after AND key_hash <= :after_hash)@only
ORDER BY first_used, key_hash LIMIT @limit
"""  # noqa: S608 - our own names
# Both bounds of the index: for one alone SQLite, which does not know how rare an open entry is, reads the whole table.
_FIGURES: Final = """
SELECT state, sum(CASE WHEN lease_until > @now THEN 1 ELSE 0 END), sum(CASE WHEN lease_until > @now THEN 0 ELSE 1 END),
       @now - min(CASE WHEN lease_until > @now THEN NULL ELSE first_used END)
FROM "@table" WHERE closed = :no AND first_used > :ever AND state <> 'queued' GROUP BY state
"""
# The inner query is read whole before anything goes, which MySQL wants and the others allow.
_PRUNE: Final = """
DELETE FROM "@table" WHERE key_hash IN (
  SELECT key_hash FROM (
    SELECT key_hash FROM "@table"
    WHERE closed = :yes AND first_used < @now - :age AND ended < @now - :age AND due IS NULL LIMIT 1000
  ) AS old
)
"""
# What an event told is replaced by the answer to the call itself, which says the same in Molam's own words.
_FINAL: Final = f"(closed = :no OR (code = '{EVENT}' AND token = :token AND state = :state))"
_ITS_OWN: Final = "closed = :no AND token = :token"
_TO_TELL: Final = {"state": ":state", "closed": ":closed", "due": "CASE WHEN queued IS NULL THEN NULL ELSE @now END"}
_AT_REST: Final = {**_TO_TELL, "due": "NULL"}
# What a worker was to make is queued again, for twice as long as it has waited.
_QUEUED_AGAIN: Final = {
    "state": "CASE WHEN queued IS NULL THEN :state ELSE 'queued' END",
    "closed": "CASE WHEN queued IS NULL THEN :closed ELSE :no END",
    "due": f"CASE WHEN queued IS NULL THEN NULL ELSE @now + :retry_after + {pause_since('queued')} END",
}
_ENDS: Final[Mapping[str, Mapping[str, str]]] = {
    "done": {**_TO_TELL, "whose": _FINAL},
    "refused": {**_TO_TELL, "whose": _FINAL},
    "review": {**_TO_TELL, "whose": _ITS_OWN},
    "open": {**_AT_REST, "whose": _ITS_OWN},
    "free": {**_QUEUED_AGAIN, "whose": f"{_ITS_OWN} AND outcome IS NULL"},
}
"""What an end of each state makes of which entries: what is final is taken from whoever knows it."""
Change = Callable[..., int]
"""Runs a statement, and says how many rows it changed."""
_EVER: Final = -1e18
_TRIES: Final = 5
"""Another worker may be faster between the look and the take."""


class JournalEntries(EntryObjects):
    """The journal in a table of any database. Each step commits by itself, whatever transaction is open around it.

    A step runs in a context of its own: where an exception from outside tears it, what it held goes with the context.
    """

    def __init__(
        self,
        database: Database,
        *,
        table: str = ENTRIES.name,
        create_table: bool = True,
        is_checked: bool = False,
        seal: Seal | None = None,
    ) -> None:
        self._database, self.seal = database, seal
        self._filled = Statements(database, ENTRIES.named(table).name, "server", asks_always=True)
        if not is_checked:
            ensure(database, ENTRIES.named(table), make=create_table)

    @property
    def outbox(self) -> OutboxEntries:
        """What a worker is still to make, in the same table."""
        return OutboxEntries(self._database, self._filled, self.seal)

    @property
    def database(self) -> Database:
        """Where the table stands."""
        return self._database

    def begin(self, asked: Asked, lease_seconds: float) -> Begun:
        return copy_context().run(self._begin, asked, lease_seconds)

    def end(self, key: str, token: str, end: End) -> bool:
        return copy_context().run(self._end, key, token, end)

    def find(self, key: str) -> Entry | None:
        return copy_context().run(self._find, key)

    def page(self, wanted: Wanted) -> Sequence[Entry]:
        after = wanted.after
        if wanted.open is None:
            found = [] if after is not None and after.state in CLOSED else self._page(wanted, after, closed=False)
            return found or self._page(wanted, after if after is None or after.state in CLOSED else None, closed=True)
        return self._page(wanted, after, closed=not wanted.open)

    def figures(self) -> JournalFigures:
        """How many entries have no certain end; quick, however many have one. In no transaction of whoever asks."""
        return Context().run(self._figures)

    def prune(self, older_than_seconds: float) -> int:
        forgotten = 0
        while some := self._run(_PRUNE, {"age": older_than_seconds, "yes": True}).changed:
            forgotten += some
        return forgotten

    def rotate(self) -> tuple[int, int]:
        """Seal every entry anew, by the first of the keys, or for the first time; how many, and how many were left
        since a call has them at this moment."""
        if self.seal is not None:
            self.seal.ask_anew()
        done = left = 0
        wanted = Wanted()
        while page := self.page(wanted):
            with self._database.apart():
                sealed = [self._here(_SEAL_AGAIN, resealed(entry, self.seal)) for entry in page]
            done, left = done + sum(sealed), left + sealed.count(0)
            wanted = Wanted(after=page[-1])
        return done, left

    def close(self) -> None:
        """Close the connections that are kept open; the next step opens what it needs."""
        engine = getattr(self._database, "engine", None)
        close = getattr(self._database, "close", None) if engine is None else engine.dispose
        if close is not None:
            close()

    def leave_thread(self) -> None:
        """Called by a thread that ends."""
        let_go_here(self._database)

    def _begin(self, asked: Asked, lease_seconds: float) -> Begun:
        values = {**asked_values(asked, self.seal), "lease": lease_seconds}
        for _ in range(_TRIES):
            if self._commit(_INSERT, values, asked) == 1:
                return Begun(ruling_on(None, asked), None)
            found = self._find(asked.key)
            if found is None:  # forgotten since
                continue
            ruling = ruling_on(found, asked)
            if ruling.decision is not Decision.SEND or self._take(found, values, asked):
                return Begun(ruling, found)
        raise RuntimeError(f"idempotency key {asked.key!r} is taken and given back too often: call again")

    def _end(self, key: str, token: str, end: End) -> bool:
        return self._close(key, token, end, self._committed)

    def _close(self, key: str, token: str, end: End, change: Change | None = None) -> bool:
        change = self._here if change is None else change
        values, parts = end_values(key, token, end, self.seal), {**_ENDS[end.state], "kept": "0"}
        if end.telling is not None and end.state != "free" and end.state in CLOSED:
            parts |= {"kept": "@now + :telling"} if end.telling else {"due": "NULL"}
        changed = change(_END, values, **parts)
        if not changed and end.state == "free":
            changed = change(_GIVE_BACK, values)
        return bool(changed)

    def _find(self, key: str) -> Entry | None:
        return next(iter(self._select("key_hash = :key_hash", {"key_hash": hashed_id(key)})), None)

    def _select(self, which: str, values: Mapping[str, Value]) -> list[Entry]:
        return [entry_of(row, self.seal) for row in self._run(_FIND, values, which=which).rows]

    def _figures(self) -> JournalFigures:
        rows = self._run(_FIGURES, {"no": False, "ever": _EVER}).rows
        running = sum(int(leased) for _, leased, _, _ in rows)
        idle = {str(state): int(count) for state, _, count, _ in rows}
        oldest = max((float(age or 0.0) for *_, age in rows), default=0.0)
        return JournalFigures(running, idle.get("open", 0), idle.get("review", 0), max(0.0, oldest))

    def _page(self, wanted: Wanted, after: Entry | None, *, closed: bool) -> list[Entry]:
        values: dict[str, Value] = {
            "closed": closed,
            "after": _EVER if after is None else after.first_used_at,
            "after_hash": "" if after is None else hashed_id(after.key),
        }
        only = f" AND (lease_until <= @now OR first_used > @now + {CLOCK_SKEW_SECONDS})" if wanted.due else ""
        if wanted.account is not None:
            only += " AND (account IS NULL OR account = :account)"
            values["account"] = wanted.account
        if wanted.base_url is not None:
            only += " AND base_url = :base_url"
            values["base_url"] = wanted.base_url
        if wanted.operations:
            only += f" AND operation IN ({listed('operation', wanted.operations, values)})"
        if wanted.since is not None:
            values["after"] = wanted.since if after is None else max(wanted.since, after.first_used_at)
        if wanted.unseen_since is not None:
            only += " AND (seen IS NULL OR seen < :unseen_since)"
            values["unseen_since"] = wanted.unseen_since
        return [
            entry_of(row, self.seal) for row in self._run(_PAGE, values, only=only, limit=str(int(wanted.limit))).rows
        ]

    def _take(self, found: Entry, values: Mapping[str, Value], asked: Asked) -> bool:
        again = found.state == "open"
        taken = {
            **values,
            "outcome": (found.outcome or "unknown") if again else values["outcome"],
            "seen": found.token,
            "seen_state": found.state,
        }
        return self._commit(_TAKE, taken, asked, first_use=_AGAIN if again else _ANEW) == 1

    def _commit(self, statement: str, values: Mapping[str, Value], asked: Asked, **parts: str) -> int:
        """How many rows were changed, once more where the database says that nothing was: a connection that had died
        since its last use is no reason to refuse a call. ``UncertainWriteError`` where it cannot be asked."""
        try:
            return self._changed(statement, values, **parts)
        except LostCommitError as lost:
            if not self._is_absent(asked):
                raise _uncertain(lost) from lost.__cause__
        try:
            return self._changed(statement, values, **parts)
        except LostCommitError as lost:
            if self._is_absent(asked):
                raise lost.__cause__ or lost from None
            raise _uncertain(lost) from lost.__cause__

    def _committed(self, statement: str, values: Mapping[str, Value], **parts: str) -> int:
        """As ``_commit``, of what may be said twice."""
        try:
            return self._changed(statement, values, **parts)
        except LostCommitError:
            return self._changed(statement, values, **parts)

    def _here(self, statement: str, values: Mapping[str, Value], **parts: str) -> int:
        """In the transaction that is open here, if there is one."""
        return self._run(statement, values, **parts).changed

    def _changed(self, statement: str, values: Mapping[str, Value], **parts: str) -> int:
        return self._database.commit(self._filled(statement, **parts), values).changed

    def _is_absent(self, asked: Asked) -> bool:
        """Whether the database says so; asked twice, since the first connection may be as dead as the one before."""
        for _ in range(2):
            try:
                found = self._find(asked.key)
            except Exception as problem:
                if raised_from_outside(problem):
                    raise
            else:
                return found is None or found.token != asked.token
        return False

    def _run(self, statement: str, values: Mapping[str, Value], **parts: str) -> Result:
        return self._database.execute(self._filled(statement, **parts), values)


def _uncertain(lost: LostCommitError) -> UncertainWriteError:
    return UncertainWriteError(f"{type(lost.__cause__).__name__}: {lost.__cause__}")
