"""What a benchmark hands over: a table of numbers, the same for all, so that they print, store and compare alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import quantiles
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """How thorough to be: ``rounds`` per contestant, ``seconds`` per timed run, ``only`` these contestants."""

    rounds: int = 40
    seconds: float = 2.0
    only: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """``rows``: contestant, then column, then number; a column's name ends in its unit. ``notes``: how it was taken."""

    name: str
    title: str
    rows: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...] = field(default=())
    taken: Mapping[str, str] = field(default_factory=dict)
    """When, of which commit, and how busy the machine was before and after."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that some row has, in the order they first appear."""
        return tuple(dict.fromkeys(column for row in self.rows.values() for column in row))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def as_markdown(self) -> str:
        """The table, as it stands in the docs."""
        lines = [
            f"### {self.title}",
            "",
            f"| | {' | '.join(self.columns)} |",
            "| --- |" + " ---: |" * len(self.columns),
        ]
        for name, row in self.rows.items():
            lines.append(f"| {name} | {' | '.join(_shown(row.get(column)) for column in self.columns)} |")
        return "\n".join([*lines, "", *(f"{note}  " for note in self.notes)]).rstrip() + "\n"


def from_json(stored: Mapping[str, Any]) -> Figures:
    """The reverse of ``as_json``."""
    return Figures(stored["name"], stored["title"], stored["rows"], tuple(stored["notes"]), stored.get("taken", {}))


def p99(samples: list[float]) -> float:
    """The value that one sample in a hundred exceeds."""
    return quantiles(samples, n=100)[98] if len(samples) > 1 else samples[0]


def _shown(number: float | None) -> str:
    if number is None:
        return ""
    if number == int(number) and abs(number) < 1e6:
        return f"{int(number):,}"
    return f"{number:.2f}" if abs(number) < 10 else f"{number:.1f}" if abs(number) < 100 else f"{number:,.0f}"
