"""Shops that note nothing, killed with their sandbox and their database: the journal alone knows, and knows it all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.chaos.journal.databases import programs
from tests.chaos.journal.run import JournalPlan, run_with_journal


def _is_there(database: str) -> bool:
    try:
        return database == "sqlite" or bool(programs())
    except LookupError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes the POSIX way")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_order_is_made_once_and_reconcile_finds_what_was_planted(tmp_path: Path, database: str) -> None:
    if not _is_there(database):
        pytest.skip("PostgreSQL's programs are not installed")
    plan = JournalPlan(seed=2026, orders=50, seconds=280, database=database, shops=2, kill_every=1.0)
    figures, wrong = run_with_journal(plan, tmp_path)
    print(json.dumps(figures, indent=2))
    assert wrong == []
    assert figures["found"] == {"only_there": 3, "only_here": 3, "status": 3, "amount": 3}
    assert figures["share"] >= 0.3
    assert figures["shops_killed"] >= 1
    assert figures["sandbox_killed"] >= 1
    assert (figures["database_disturbed"] >= 1) is (database == "postgresql")
