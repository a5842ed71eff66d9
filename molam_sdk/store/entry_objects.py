"""Entries of the journal by the objects that they are about, and such as are worked on for long."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from typing import Final

from ..journal.entry import CLOSED, End, Entry
from ..journal.seam import Judge
from .columns import hashed_id
from .database import Database, Result, Value, database_time
from .sealing import Seal, closed

_HEARD: Final = 'UPDATE "@table" SET heard = @now WHERE key_hash IN (@keys)'
_HEARD_AT: Final = 'SELECT max(heard) FROM "@table" WHERE object_key = :object_key'
_SEEN: Final = 'UPDATE "@table" SET seen = :at WHERE key_hash IN (@keys)'
_LEASE: Final = """
UPDATE "@table" SET token = :token, lease_until = @now + :lease
WHERE key_hash = :key_hash AND closed = :no AND lease_until <= @now
"""
_KEEP: Final = """
UPDATE "@table" SET body = :body, lease_until = @now + :lease
WHERE key_hash = :key_hash AND closed = :no AND token = :token
"""


class EntryObjects(ABC):
    """The half of the journal's table that goes by objects, and by entries that are worked on for long."""

    _database: Database
    seal: Seal | None

    @abstractmethod
    def _run(self, statement: str, values: Mapping[str, Value], **parts: str) -> Result: ...

    @abstractmethod
    def _select(self, which: str, values: Mapping[str, Value]) -> list[Entry]: ...

    @abstractmethod
    def _close(self, key: str, token: str, end: End) -> bool: ...

    def hear(self, names: Sequence[str], judge: Judge) -> int:
        found = self._about(names)
        if not found:
            return 0
        closed = 0
        with self._database.transaction():
            values: dict[str, Value] = {}
            self._run(_HEARD, values, keys=listed("key", [hashed_id(entry.key) for entry in found], values))
            for entry in found:
                end = None if entry.state in CLOSED else judge(entry)
                closed += end is not None and self._close(entry.key, entry.token, end)
        return closed

    def heard_at(self, name: str) -> float | None:
        found = self._run(_HEARD_AT, {"object_key": hashed_id(name)}).rows[0][0]
        return None if found is None else float(found)

    def about(self, names: Sequence[str]) -> Sequence[Entry]:
        return copy_context().run(self._about, names)

    def mark_seen(self, keys: Sequence[str], at: float) -> None:
        if keys:
            values: dict[str, Value] = {"at": at}
            copy_context().run(self._apart, _SEEN, values, listed("key", [hashed_id(key) for key in keys], values))

    def take(self, key: str, token: str, lease_seconds: float) -> Entry | None:
        values: dict[str, Value] = {"key_hash": hashed_id(key), "token": token, "lease": lease_seconds, "no": False}
        if not copy_context().run(self._apart, _LEASE, values):
            return None
        return next(iter(self._select("key_hash = :key_hash", {"key_hash": hashed_id(key)})), None)

    def keep(self, key: str, token: str, body: bytes, lease_seconds: float) -> bool:
        values: dict[str, Value] = {"key_hash": hashed_id(key), "token": token, "lease": lease_seconds, "no": False}
        values["body"] = closed(self.seal, key, "body", body)
        return bool(copy_context().run(self._apart, _KEEP, values))

    def time(self) -> float:
        return database_time(self._database)

    def _about(self, names: Sequence[str]) -> list[Entry]:
        if not names:
            return []
        values: dict[str, Value] = {}
        which = f"object_key IN ({listed('object', [hashed_id(name) for name in names], values)})"
        return self._select(f"{which} ORDER BY first_used, key_hash", values)

    def _apart(self, statement: str, values: Mapping[str, Value], keys: str = "") -> int:
        with self._database.apart():
            return self._run(statement, values, keys=keys).changed


def listed(name: str, items: Sequence[Value], values: dict[str, Value]) -> str:
    """The marks of a list in a statement, whose items are put into its values."""
    names = [f"{name}_{_letters(number)}" for number in range(len(items))]
    values.update(zip(names, items, strict=True))
    return ", ".join(f":{one}" for one in names)


def _letters(number: int) -> str:
    """A number in letters: names of values have no digits in them."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))
