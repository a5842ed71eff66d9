"""Shops that note nothing, killed with their sandbox and their database: the journal alone knows, and knows it all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.journal.run import JournalPlan, run_with_journal
from tests.support.servers import is_installed


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that PostgreSQL can reach, which has a user of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes the POSIX way")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_order_is_made_once_and_reconcile_finds_what_was_planted(folder: Path, database: str) -> None:
    if database != "sqlite" and not is_installed(database):
        pytest.skip("PostgreSQL's programs are not installed")
    plan = JournalPlan(seed=2026, orders=50, seconds=280, database=database, shops=2)
    figures, wrong = run_with_journal(plan, folder)
    print(json.dumps(figures, indent=2))
    assert wrong == []
    assert figures["found"] == {"only_there": 3, "only_here": 3, "status": 3, "amount": 3}
    assert figures["share"] >= 0.3
    assert figures["shops_killed"] >= 1
    assert figures["sandbox_killed"] >= 1
    assert (figures["database_disturbed"] >= 1) is (database == "postgresql")
