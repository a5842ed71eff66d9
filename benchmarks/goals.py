"""What was promised, beside what was measured: the table that docs/performance.md opens with. A missed goal says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .contestants import FULL
from .journal import CALL, OURS

Figures = Mapping[str, Mapping[str, Any]]

_RATIO: Final = "CPU ratio to Session.post"
_FIRST: Final = "with first client CPU ms"
_TO_AIOHTTP: Final = "to bare aiohttp"


@dataclass(frozen=True, slots=True)
class Goal:
    """``row`` and ``column`` of the figures ``table``; divided by the same column of the row ``to``, where one is
    given. ``limit`` is the most it may be, or the least."""

    what: str
    limit: float
    table: str
    row: str
    column: str
    to: str | None = None
    least: bool = False

    def as_row(self, figures: Figures) -> str:
        """A line of the table; empty where nothing was measured."""
        measured = self._measured(figures)
        if measured is None:
            return ""
        met = measured >= self.limit if self.least else measured <= self.limit
        words = "at least" if self.least else "at most"
        return f"| {self.what} | {words} {self.limit:,g} | {'' if met else '**missed**: '}{_shown(measured)} |"

    def _measured(self, figures: Figures) -> float | None:
        rows = figures.get(self.table, {}).get("rows", {})
        number = rows.get(self.row, {}).get(self.column)
        if number is None or self.to is None:
            return None if number is None else float(number)
        other = rows.get(self.to, {}).get(self.column)
        return number / other if other else None


GOALS: Final = (
    Goal("a call with everything on, CPU, to a bare post", 0.45, "cost", FULL, _RATIO),
    Goal("64 threads, calls a second, to urllib3's best", 0.95, "threads", FULL, "64 thr. to urllib3", least=True),
    Goal("connections of 64 threads in bursts", 64, "bursts", FULL, "connections in 15 bursts"),
    Goal("a new TLS connection, CPU, to urllib3 with a shared context", 1.3, "tls", FULL,
         "new to urllib3's shared context"),
    Goal("500 calls at a time by asyncio, a log line each, calls a second, to bare aiohttp", 0.85, "async",
         "molam, everything on, a log line per call", _TO_AIOHTTP, least=True),
    Goal("the same, nobody logs at INFO", 0.85, "async",
         "molam, everything on, nobody logs at INFO", _TO_AIOHTTP, least=True),
    Goal("import and first plain client, CPU, to stripe", 1.0, "imports", "molam, plain client", _FIRST, to="stripe"),
    Goal("import and first client with everything on, to stripe", 1.0, "imports", FULL, _FIRST, to="stripe"),
    Goal("the same with redis installed, to stripe", 1.0, "imports", f"{FULL}, redis installed", _FIRST, to="stripe"),
    Goal("import and first client with everything on, to its four libraries", 1.15, "imports", FULL, _FIRST,
         to="molam's four libraries"),
    *(
        Goal(f"a durable call on {name}, to the same two commits by hand", 1.3, "journal", CALL, f"{name} ratio")
        for name in ("SQLite", "PostgreSQL")
    ),
    *(
        Goal(f"the same, to DBOS on {name}", 0.5, "journal", CALL, f"{name} to DBOS")
        for name in ("SQLite", "PostgreSQL")
    ),
    *(
        Goal(f"64 threads on {name}, to the same commits by hand", 0.9, "journal", OURS, f"{name} 64 threads, ratio",
             least=True)
        for name in ("SQLite", "PostgreSQL")
    ),
    Goal("a webhook's event at PostgreSQL, to the same steps by hand", 1.4, "claims", "PostgreSQL", "ratio to by hand"),
    Goal("the same at MariaDB", 1.4, "claims", "MariaDB", "ratio to by hand"),
    Goal("the same at SQLite, to a kept connection", 2, "claims", "SQLite", "ratio to by hand"),
    Goal("the answer of an inbox, CPU ms", 5, "claims", "PostgreSQL", "inbox answer, CPU ms"),
    Goal("a webhook verified and parsed, to svix", 1, "webhooks", "molam", "small µs", to="svix"),
    Goal("the same, to standardwebhooks", 1, "webhooks", "molam", "small µs", to="standardwebhooks"),
    Goal("the bundled sandbox, start in ms", 300, "sandbox", "sandbox", "start ms"),
    Goal("the bundled sandbox, payments created a second", 1000, "sandbox", "sandbox", "creates a second", least=True),
)  # fmt: skip


def as_markdown(figures: Figures) -> str:
    """Every goal that was measured, met or not."""
    lines = [line for goal in GOALS if (line := goal.as_row(figures))]
    return "\n".join(["| what | goal | figure |", "| --- | --- | --- |", *lines])


def _shown(number: float) -> str:
    return f"{number:.3g}" if number < 10 else f"{number:,.0f}"
