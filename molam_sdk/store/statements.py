"""A table's statements, filled in once for its database and its clock."""

from __future__ import annotations

from typing import get_args

from .claims import Clock
from .database import Database


class Statements:
    """Fills statements in: the table's name, and the clock by which leases go.

    ``asks_always``: a database without a clock of its own is asked for the machine's, and nobody gives ``:now``.
    """

    def __init__(self, database: Database, table: str, clock: Clock, *, asks_always: bool = False) -> None:
        if clock not in get_args(Clock):
            raise ValueError(f"clock is {clock!r}: it must be 'server' or 'caller'")
        self._database = database
        self._by_server = clock == "server"
        self._asks_always = asks_always
        self._table = table
        self._filled: dict[tuple[str, ...], str] = {}

    def __call__(self, statement: str, **parts: str) -> str:
        which = (statement, *parts.values())
        filled = self._filled.get(which)
        if filled is None:
            dialect = self._database.dialect
            of_table = {"insert_new": dialect.insert_new, "if_new": dialect.if_new, "table": self._table}
            now = dialect.now if self._by_server and (dialect.has_clock or self._asks_always) else ":now"
            for part, text in parts.items():
                statement = statement.replace(f"@{part}", text)
            filled = self._filled[which] = dialect.fill(statement, **of_table, now=now)
        return filled
