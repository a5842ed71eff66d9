"""A process that is killed with -9 between any two lines of a payment: recovered, it is made once; and never twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from molam_sdk import ClientConfig, MolamSyncClient
from molam_sdk.sandbox import Sandbox
from tests.support.journals import a_database, wait_until_left
from tests.support.tearing import STRIDE
from tests.support.undo_shop import release
from tests.support.webhooks.stores import POSTGRES_URL

PROGRAM = Path(__file__).parent / "programs" / "killed_at_each_line.py"
UNDO_PROGRAM = Path(__file__).parent / "programs" / "killed_in_an_undo.py"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@contextmanager
def journal_in(database: str, folder: Path) -> Iterator[str]:
    """The journal's URL; its table is gone afterwards."""
    if database == "sqlite":
        yield f"sqlite:///{folder}/molam.db"
        return
    with a_database(POSTGRES_URL) as url:
        yield url


def end_leases(client: MolamSyncClient) -> None:
    """As time does."""
    database = client._state.journal.store._database  # type: ignore[union-attr]
    database.execute(database.dialect.fill('UPDATE "molam_journal" SET lease_until = 0'))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("kind", "database"), [("sync", "sqlite"), ("async", "sqlite"), ("sync", "postgresql")])
def test_a_payment_killed_at_any_line_is_found_again(
    sandbox: Sandbox, tmp_path: Path, kind: str, database: str
) -> None:
    with journal_in(database, tmp_path) as journal:
        command = [sys.executable, str(PROGRAM), sandbox.url, sandbox.api_key, journal, kind, str(STRIDE)]
        ran = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        assert ran.returncode == 0, ran.stderr[-2000:]
        lines = int(ran.stdout)
        if database == "postgresql":
            wait_until_left(journal)
        assert lines > 300
        keys = [f"order-{line}" for line in range(1, lines + 1, STRIDE)]
        config = ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)
        with MolamSyncClient(config, journal=journal) as client:
            end_leases(client)
            written = {entry.key for entry in client.journal.list()} - {"warm"}
            open_before = {entry.key for entry in client.journal.list(open=True)}
            recovered = {entry.key: entry.state for entry in client.recover(per_second=1000)}
            assert set(recovered.values()) == {"done"}
            assert set(recovered) == open_before
            assert list(client.journal.list(open=True)) == []
            for key in keys:
                times = sandbox.ledger.executions(idempotency_key=key)
                assert times == (1 if key in written else 0), key
        assert len(open_before) > 5
        assert len(written) < len(keys)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("kind", "database"), [("sync", "sqlite"), ("async", "sqlite"), ("sync", "postgresql")])
def test_a_block_killed_at_any_line_is_undone(sandbox: Sandbox, tmp_path: Path, kind: str, database: str) -> None:
    reserved = tmp_path / "reserved"
    reserved.mkdir()
    assert release.__module__ == "tests.support.undo_shop"  # imported, as a shop's module where recover runs
    with journal_in(database, tmp_path) as journal:
        arguments = [sandbox.url, sandbox.api_key, journal, str(reserved), kind, str(8 * STRIDE + 1)]
        ran = subprocess.run(
            [sys.executable, str(UNDO_PROGRAM), *arguments],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert ran.returncode == 0, ran.stderr[-2000:]
        if database == "postgresql":
            wait_until_left(journal)
        assert int(ran.stdout) > 2000
        with MolamSyncClient(ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url), journal=journal) as client:
            end_leases(client)
            undone = [entry for entry in client.recover(per_second=1000) if entry.operation == "undo"]
            end_leases(client)
            assert [entry for entry in client.recover(per_second=1000) if entry.state != "free"] == []
            assert {entry.state for entry in undone} == {"free"}
            assert list(client.journal.list(open=True)) == []
            refunded = {refund.payment_id for refund in client.list_refunds(limit=100)}
            left = [one for one in client.list_payment_intents(limit=100) if one.status != "canceled"]
            assert {one.id for one in left} == refunded
            assert {one.status for one in left} == {"succeeded"}
        assert len(undone) > 10
        assert list(reserved.iterdir()) == []
