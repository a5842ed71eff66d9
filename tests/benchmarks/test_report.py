"""What is written into the documents: every goal, the missed ones too, and only what a commit stands for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import machine, report
from benchmarks.__main__ import BENCHMARKS
from benchmarks.goals import GOALS, Goal

COMMIT = "0123abc"
ROOT = Path(__file__).parents[2]
DOCUMENT = """Text.
<!-- goals: written by python -m benchmarks --report -->
old
<!-- end of goals -->
More.
<!-- figures: written by python -m benchmarks --report -->
old
<!-- end of figures -->
End.
"""


def stored(path: Path, commit: str, **measured: Any) -> Path:
    taken = {"at": "2026-11-21 10:03 UTC", "commit": commit, "load before": "0.31", "load after": "1.02"}
    row = {"CPU ratio to Session.post": 0.5} | measured
    cost = {"name": "cost", "title": "One call", "rows": {"molam, everything on": row}, "notes": [], "taken": taken}
    path.write_text(json.dumps({"machine": {"python": "CPython 3.13"}, "figures": {"cost": cost}}), "utf-8")
    return path


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "performance.md"
    path.write_text(DOCUMENT, "utf-8")
    return path


def test_a_missed_goal_is_written_as_missed(tmp_path: Path, document: Path) -> None:
    report.write(stored(tmp_path / "figures.json", COMMIT), document)
    text = document.read_text("utf-8")
    assert "| a call with everything on, CPU, to a bare post | at most 0.45 | **missed**: 0.5 |" in text
    assert "old" not in text
    assert text.startswith("Text.\n")
    assert text.endswith("End.\n")


def test_beside_the_figures_stand_the_commit_and_how_busy_the_machine_was(tmp_path: Path, document: Path) -> None:
    report.write(stored(tmp_path / "figures.json", COMMIT), document)
    assert "commit 0123abc, load average 0.31 before, 1.02 after" in document.read_text("utf-8")


@pytest.mark.parametrize("commit", ["0123abc-dirty", "unknown", ""])
def test_figures_of_a_changed_tree_are_not_written(tmp_path: Path, document: Path, commit: str) -> None:
    with pytest.raises(SystemExit, match="not taken from a commit: cost"):
        report.write(stored(tmp_path / "figures.json", commit), document)
    assert document.read_text("utf-8") == DOCUMENT


@pytest.mark.parametrize(
    ("goal", "row"),
    [
        (Goal("x", 0.45, "t", "ours", "c"), "| x | at most 0.45 | 0.4 |"),
        (Goal("x", 0.95, "t", "ours", "c", least=True), "| x | at least 0.95 | **missed**: 0.4 |"),
        (Goal("x", 1.0, "t", "ours", "c", to="theirs"), "| x | at most 1 | 0.8 |"),
        (Goal("x", 1.0, "t", "nobody", "c"), ""),
        (Goal("x", 1.0, "absent", "ours", "c"), ""),
    ],
)
def test_a_goal_is_judged_by_what_was_measured(goal: Goal, row: str) -> None:
    assert goal.as_row({"t": {"rows": {"ours": {"c": 0.4}, "theirs": {"c": 0.5}}}}) == row


def test_every_goal_is_about_something_that_is_measured() -> None:
    figures = json.loads((ROOT / "docs/performance.json").read_text("utf-8"))["figures"]
    taken = [goal for goal in GOALS if goal.table in figures]
    unmeasured = [goal.what for goal in taken if not goal.as_row(figures)]
    assert unmeasured in ([], ["the same with redis installed, to stripe"])
    assert {goal.table for goal in GOALS} <= set(BENCHMARKS)  # the rest is shown when its figures are taken


def test_the_commit_is_the_one_that_runs() -> None:
    assert machine.commit() != ""
