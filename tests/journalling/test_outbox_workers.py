"""Workers of the outbox that are killed, told to stop, and many: what was enqueued is made once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.sandbox import Sandbox
from molam_sdk.store.entries import JournalEntries
from tests.support.journals import a_database
from tests.support.webhooks.stores import MARIADB_URL, POSTGRES_URL

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "programs" / "works_on_the_outbox.py"
ORDER = {"amount": 5000, "currency": "XOF"}
KILLED = -signal.SIGKILL


@contextmanager
def _journal(database: str, folder: Path) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{folder}/molam.db"
        return
    with a_database(POSTGRES_URL if database == "postgresql" else MARIADB_URL) as url:
        yield url


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def client_of(sandbox: Sandbox, journal: str) -> MolamClient:
    return MolamClient(ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url), journal=journal)


def enqueue(client: MolamClient, *keys: str) -> None:
    """Each in a transaction of its own."""
    entries = client._state.journal.store  # type: ignore[union-attr]
    assert isinstance(entries, JournalEntries)
    for key in keys:
        with entries.database.transaction():
            client.journal.enqueue(client.create_payment_intent, ORDER, idempotency_key=key)


def worker(sandbox: Sandbox, journal: str, moment: str = "never") -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), sandbox.url, sandbox.api_key, journal, moment]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_a_killed_worker_had_is_made_once(sandbox: Sandbox, tmp_path: Path, database: str, moment: str) -> None:
    with _journal(database, tmp_path) as journal, client_of(sandbox, journal) as client:
        enqueue(client, "order-7")
        killed = worker(sandbox, journal, moment)
        killed.communicate(timeout=100)
        assert killed.returncode == KILLED
        left = client.journal.get("order-7")
        assert left is not None
        assert left.state == "open"
        assert client.journal.worker().run_until_empty() == 0  # its lease holds
        entries = client._state.journal.store  # type: ignore[union-attr]
        entries.database.execute("UPDATE molam_journal SET lease_until = 0")  # type: ignore[attr-defined]
        told: list[str] = []
        client.journal.worker(on_end=lambda entry: told.append(entry.state)).run_until_empty()
        assert told == ["done"]
        assert sandbox.ledger.executions(idempotency_key="order-7") == 1


@pytest.mark.parametrize("database", ["sqlite", "postgresql", "mariadb"])
def test_many_workers_make_each_once(sandbox: Sandbox, tmp_path: Path, database: str) -> None:
    keys = [f"order-{number}" for number in range(24)]
    with _journal(database, tmp_path) as journal, client_of(sandbox, journal) as client:
        enqueue(client, *keys)
        workers = [worker(sandbox, journal) for _ in range(3)]
        said = [one.communicate(timeout=100) for one in workers]
        assert [one.returncode for one in workers] == [0, 0, 0], said
        assert {entry.state for entry in client.journal.list()} == {"done"}
        assert [sandbox.ledger.executions(idempotency_key=key) for key in keys] == [1] * len(keys)
        assert sum(int(out) for out, _ in said) == len(keys)


def test_a_worker_that_is_told_to_stop_ends_what_it_has(sandbox: Sandbox, tmp_path: Path) -> None:
    journal = f"sqlite:///{tmp_path}/molam.db"
    with client_of(sandbox, journal) as client:
        enqueue(client, "order-7")
        command = [sys.executable, "-m", "molam_sdk.cli", "journal", "--journal", journal, "work"]
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "MOLAM_API_KEY": sandbox.api_key, "MOLAM_BASE_URL": sandbox.url,
        }  # fmt: skip
        running = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
        )
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up and client.journal.get("order-7").state != "done":  # type: ignore[union-attr]
            assert running.poll() is None, running.communicate()
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (0, "1 operations made or told\n"), err
    assert sandbox.ledger.executions(idempotency_key="order-7") == 1
