"""The commands for the inbox and the tables, on real files and databases."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from molam_sdk.cli.commands import molam as group
from molam_sdk.store import SqliteStore
from molam_sdk.store.inbox import Arrival
from tests.store.test_upgrades import SQLITE_0_1_0
from tests.support.webhooks.deliveries import body_of
from tests.support.webhooks.stores import POSTGRES_URL, rows, sql_engine, sql_table

ROOT = Path(__file__).parents[2]


def molam(*arguments: str, store: str | None = None) -> Result:
    """Run `molam` in this process, with no other MOLAM_ variable than the store."""
    without = {name: None for name in os.environ if name.startswith("MOLAM_")}
    return CliRunner().invoke(group, arguments, env={**without, "MOLAM_STORE": store})


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "shop.sqlite3")


@pytest.fixture
def store(file: str) -> Iterator[SqliteStore]:
    with closing(SqliteStore(file)) as store:
        now = time.time()
        for number in range(3):
            event_id = f"evt_{number}"
            store.inbox.store(Arrival(event_id, "payment.succeeded", body_of(id=event_id), now, "pi_1"), now)
        for _ in range(2):
            event = store.inbox.take("t", now, 60)
            assert event is not None
            store.inbox.bury(event, "t", now, error="Traceback\nValueError: no order", finished=())
        yield store


def test_events_are_listed_shown_retried_and_resolved(store: SqliteStore, file: str) -> None:
    listed = molam("webhooks", "list", "--failed", store=file).stdout.splitlines()
    assert len(listed) == 2
    assert all("ValueError: no order" in line for line in listed)
    first, second = (event.event_id for event in store.inbox.list("dead"))
    assert "ValueError: no order" in molam("webhooks", "show", first, store=file).stdout
    assert molam("webhooks", "retry", first, store=file).stdout == "1 events are due now\n"
    assert molam("webhooks", "resolve", second, "--note", "shipped", store=file).stdout == "1 events resolved\n"
    assert [event.event_id for event in store.inbox.list("dead")] == []
    assert store.inbox.show(second).note == "shipped"


def test_all_that_failed_is_retried_at_once(store: SqliteStore, file: str) -> None:
    assert molam("webhooks", "retry", "--failed", store=file).stdout == "2 events are due now\n"
    assert len(list(store.inbox.list("received"))) == 3


def test_events_are_exported_whole(store: SqliteStore, file: str) -> None:
    exported = [json.loads(line) for line in molam("webhooks", "export", store=file).stdout.splitlines()]
    assert sorted(event["event_id"] for event in exported) == ["evt_0", "evt_1", "evt_2"]
    assert {json.loads(event["body"])["type"] for event in exported} == {"payment.succeeded"}


def test_a_list_that_is_cut_says_so(store: SqliteStore, file: str) -> None:
    cut = molam("webhooks", "list", "--limit", "1", store=file)
    assert len(cut.stdout.splitlines()) == 1
    assert "--limit 1 was reached" in cut.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("webhooks", "show", "evt_none"), 1, "the inbox has no event evt_none"),
        (("webhooks", "retry"), 2, "name the events, or say --failed"),
        (("webhooks", "retry", "--failed", "evt_1"), 2, "name the events, or say --failed"),
        (("webhooks", "resolve", "evt_1", "--note", " "), 1, "note is empty"),
        (("webhooks", "list", "--state", "lost"), 2, "'lost' is not one of"),
        (("webhooks", "list", "--store", "/no/such/file.db"), 1, "there is no file /no/such/file.db"),
        (("webhooks", "list", "--store", "oracle://x"), 1, ""),
        (("webhooks", "list", "--store", "nonsense://x"), 1, "this is no URL of a database"),
        (("webhooks", "list", "--table", "a'b"), 1, "is no name of a table"),
        (("webhooks", "work", "--app", "no_such_module:receiver"), 2, "names no receiver"),
        (("webhooks", "work", "--app", "json:dumps"), 2, "no WebhookReceiver"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    store: SqliteStore, file: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = molam(*arguments, store=file)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr
    assert "Traceback" not in result.output


def test_a_database_that_is_away_is_said_in_a_sentence() -> None:
    result = molam("webhooks", "list", store="postgresql+psycopg://postgres@127.0.0.1:1/test")
    assert (result.exit_code, "the database does not answer" in result.stderr) == (1, True), result.stderr


def test_a_file_that_is_no_database_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "shop.sqlite3").write_bytes(b"a shopping list" * 500)
    result = molam("webhooks", "list", store=str(tmp_path / "shop.sqlite3"))
    assert (result.exit_code, "not a database" in result.stderr) == (1, True), result.stderr


def test_the_store_must_be_named() -> None:
    result = molam("webhooks", "list")
    assert (result.exit_code, "MOLAM_STORE" in result.stderr) == (2, True)


def test_upgrading_makes_the_tables_and_says_their_version(file: str) -> None:
    assert molam("store", "upgrade", store=file).stdout == "molam_webhook_events: version 2\n"
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM molam_webhook_events").fetchone() == (0,)


def test_upgrading_is_what_a_table_that_is_missing_asks_for() -> None:
    with sql_engine(POSTGRES_URL) as engine, sql_table(engine, "molam_test") as table:
        refused = molam("webhooks", "list", "--table", table, store=POSTGRES_URL)
        assert (refused.exit_code, f"molam store upgrade --table {table}" in refused.stderr) == (1, True)
        assert molam("store", "upgrade", "--table", table, store=POSTGRES_URL).exit_code == 0
        assert molam("webhooks", "list", "--table", table, store=POSTGRES_URL).stdout == ""
        assert rows(engine, f"SELECT count(*) FROM {table}") == [(0,)]


def test_upgrading_widens_the_journal_where_there_is_one(file: str) -> None:
    assert molam("store", "upgrade", "--table", "molam_journal", store=file).stdout == "molam_journal: version 2\n"
    both = molam("store", "upgrade", store=file).stdout.splitlines()
    assert both == ["molam_webhook_events: version 2", "molam_journal: version 2"]
    other = molam("store", "upgrade", "--table", "theirs", "--like", "molam_journal", store=file)
    assert other.stdout == "theirs: version 2\n"
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(idempotency_key) FROM theirs").fetchone() == (0,)


def test_upgrading_brings_a_file_of_0_1_0_along(tmp_path: Path) -> None:
    file = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(SQLITE_0_1_0)
    assert molam("store", "upgrade", store=str(file)).stdout == "molam_webhook_events: version 2\n"
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM molam_webhook_events").fetchone() == (3,)


APP = """
import sys
from molam_sdk.receiver import WebhookReceiver

receiver = WebhookReceiver({"v1": "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw"}, "shop.sqlite3", process="later")

@receiver.on("payment.succeeded")
def ship(event):
    print("ships", event.id, flush=True)
"""


def test_a_worker_runs_what_is_due_and_leaves(store: SqliteStore, file: str, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "molam_sdk.cli", "webhooks", "work", "--app", "shop:receiver", "--once"]
    ran = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "1 events run"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process at once there")
def test_a_worker_stops_at_sigterm_with_what_it_runs_settled(store: SqliteStore, file: str, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    store.inbox.retry_failed()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "molam_sdk.cli", "webhooks", "work", "--app", "shop:receiver", "--threads", "1"]
    with subprocess.Popen(program, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith("ships")
        worker.send_signal(signal.SIGTERM)
        rest = worker.stdout.read()
        assert worker.wait(30) == 0
    assert rest.splitlines()[-1].endswith("events run")
    assert list(store.inbox.list("failed", "dead")) == []
