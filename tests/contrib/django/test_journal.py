"""The journal and its outbox in a Django project, on each database that Django speaks to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.journals import a_database
from tests.support.webhooks.stores import MARIADB_URL, POSTGRES_URL

ROOT = Path(__file__).parents[3]


def _told(url: str) -> dict[str, Any]:
    program = [sys.executable, "-m", "tests.support.webhooks.django_journal", url]
    ran = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr[-3000:]
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of everything in a project on this database."""
    if request.param == "sqlite":
        found = _told(f"sqlite:///{tmp_path_factory.mktemp('shop')}/shop.sqlite3")
    else:
        with a_database(POSTGRES_URL if request.param == "postgresql" else MARIADB_URL) as url:
            found = _told(url)
    return {"database": request.param, **found}


def test_a_project_that_was_not_migrated_is_told_so(told: dict[str, Any]) -> None:
    assert "JournalError" in told["before migrate"]
    assert "migrate" in told["before migrate"]


def test_what_is_enqueued_is_committed_with_the_project_s_rows_or_not_at_all(told: dict[str, Any]) -> None:
    outside, inside, rolled_back = told["enqueued"]
    assert "no transaction is open" in outside
    assert (inside, rolled_back) == ("order-1", "KeyError: ")
    assert told["worked"] == "1 operations made or told"
    assert told["states"] == {"order-1": "done"}


def test_what_was_sent_stays_written_down_though_the_project_rolls_back(told: dict[str, Any]) -> None:
    result, state = told["in atomic"]
    if told["database"] == "sqlite":  # one writer: refused before anything is sent
        assert "SQLite has one writer" in result
        assert state == "absent"
    else:
        assert (result, state) == ("pi_1", "done")


def test_what_is_told_of_an_end_writes_in_the_transaction_that_marks_it(told: dict[str, Any]) -> None:
    assert told["told"] == [["done", "done"], 0, 1, 0]


def test_the_commands_look_at_it_and_settle_it(told: dict[str, Any]) -> None:
    assert told["list"][0].startswith("done")
    assert '"amount": 100.5' in told["show"]
    assert told["commands"][:2] == ["CommandError: the journal has no key 'nobody'", "0 forgotten"]
    assert "hours or days" in told["commands"][2]
    assert told["export"] == len(told["list"]) + 1
    assert told["doubt"] == ["MolamTimeoutError", "open", "done", "done"]
