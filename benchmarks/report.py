"""Stored figures as the tables of a document, between two marks in it, so that nobody copies numbers by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from . import goals
from .figures import from_json

_GOALS: Final = ("<!-- goals: written by python -m benchmarks --report -->", "<!-- end of goals -->")
_FIGURES: Final = ("<!-- figures: written by python -m benchmarks --report -->", "<!-- end of figures -->")


def write(stored: Path, document: Path) -> None:
    """Replace what stands between the marks of ``document`` with the goals and figures of ``stored`` and their machine.

    ``SystemExit`` for figures that were taken from a tree with changes in it: nobody could take them again.
    """
    run = json.loads(stored.read_text(encoding="utf-8"))
    figures = run["figures"]
    if dirty := [name for name, table in figures.items() if not is_clean(table.get("taken", {}).get("commit", ""))]:
        raise SystemExit(f"{document} stays as it is: not taken from a commit: {', '.join(dirty)}")
    tables = "\n".join(f"{from_json(table).as_markdown()}\n{_taken(table['taken'])}\n" for table in figures.values())
    machine = "\n".join(f"- {name}: {value}" for name, value in run["machine"].items())
    text = document.read_text(encoding="utf-8")
    text = _between(_GOALS, text, goals.as_markdown(figures), document)
    text = _between(_FIGURES, text, f"{tables}\n### Machine and versions\n\n{machine}", document)
    document.write_text(text, encoding="utf-8")


def is_clean(commit: str) -> bool:
    """Whether figures can be traced to a commit, and to nothing beside it."""
    return bool(commit) and commit != "unknown" and not commit.endswith("-dirty")


def _taken(when: Mapping[str, Any]) -> str:
    return (
        f"{when['at']}, commit {when['commit']}, load average {when['load before']} before, {when['load after']} after"
    )


def _between(marks: tuple[str, str], text: str, new: str, document: Path) -> str:
    begin, end = marks
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{document} lacks the marks {begin} and {end}")
    return f"{before}{begin}\n\n{new}\n\n{end}{after}"
