"""What only the SQLite store does: a file that others read, and a path that is none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from molam_sdk.store import Claim, SqliteStore

NOW = 1_800_000_000.0
ONE = Claim("evt_1", "payment.succeeded", "token-a")


def test_who_reads_the_file_for_long_holds_up_no_claim(tmp_path: Path) -> None:
    file = tmp_path / "events.sqlite3"
    store = SqliteStore(file, timeout_seconds=0)
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM molam_webhook_events").fetchall()
        assert store.claim(ONE, NOW, NOW + 60).decision == "run"
        assert store.done(ONE, NOW)


def test_a_file_is_used_again_as_it_was_left(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "events.sqlite3").claim(ONE, NOW, NOW + 60)
    assert SqliteStore(tmp_path / "events.sqlite3").claim(ONE, NOW, NOW + 60).decision == "busy"


def test_memory_is_refused_since_workers_could_not_share_it() -> None:
    with pytest.raises(ValueError, match="MemoryStore"):
        SqliteStore(":memory:")
