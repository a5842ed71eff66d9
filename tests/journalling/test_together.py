"""Many workers on one journal: threads, greenlets, forked children and tasks; and tasks that are cancelled."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import ClientConfig, PlainAsyncClient
from molam_sdk._resolving import failed_call
from molam_sdk.journal import Begun, MemoryJournal
from molam_sdk.sandbox import Sandbox
from molam_sdk.store.database.sqlite import SqliteDatabase
from molam_sdk.store.entries import JournalEntries
from molam_sdk.testing import AsyncScriptedTransport, ScriptedTransport
from tests.support.journals import a_database
from tests.support.script import OK
from tests.support.webhooks.stores import POSTGRES_URL

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parent / "programs" / "pays_from_everywhere.py"
ROOT = Path(__file__).parents[2]
CONFIG = ClientConfig(api_key="sk_test_1", environment="sandbox", max_retries=0)
ORDER = {"amount": "100.50", "currency": "USD"}


def pays(kind: str, sandbox: Sandbox, journal: str) -> None:
    command = [sys.executable, str(PROGRAM), sandbox.url, sandbox.api_key, journal, kind]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=100, env=_with_root())
    assert ran.returncode == 0, ran.stderr[-2000:]
    for number in range(5):
        assert sandbox.ledger.executions(idempotency_key=f"together-{number}") == 1
        for worker in range(8):
            assert sandbox.ledger.executions(idempotency_key=f"order-{worker}-{number}") == 1


def _with_root() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("kind", ["threads", "greenlets", "children"])
def test_workers_of_one_client_pay_each_order_once_by_a_file(tmp_path: Path, kind: str) -> None:
    with Sandbox() as sandbox:
        pays(kind, sandbox, str(tmp_path / "molam.db"))
    store = JournalEntries(SqliteDatabase(tmp_path / "molam.db"))
    assert {store.find(f"together-{number}").state for number in range(5)} == {"done"}  # type: ignore[union-attr]
    store.close()


@pytest.mark.parametrize("kind", ["threads", "children"])
def test_workers_of_one_client_pay_each_order_once_by_postgresql(kind: str) -> None:
    with Sandbox() as sandbox, a_database(POSTGRES_URL) as url:
        pays(kind, sandbox, url)


class Slow(MemoryJournal):
    """Writes only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let = threading.Event(), threading.Event()

    def begin(self, asked: Any, lease_seconds: float) -> Begun:
        begun = super().begin(asked, lease_seconds)
        self.asked.set()
        assert self.let.wait(30)
        return begun


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 30)


async def test_the_event_loop_goes_on_while_the_journal_is_written() -> None:
    store = Slow()
    async with PlainAsyncClient(
        CONFIG, transport=AsyncScriptedTransport(ScriptedTransport(OK)), journal=store
    ) as client:
        paying = asyncio.create_task(client.create_payment_intent(ORDER, idempotency_key="order-7"))
        await until(store.asked)
        store.let.set()
        assert (await paying).id == "pi_1"


async def test_a_task_that_is_cancelled_while_it_is_written_down_leaves_nothing_open() -> None:
    store, transport = Slow(), ScriptedTransport(OK)
    async with PlainAsyncClient(CONFIG, transport=AsyncScriptedTransport(transport), journal=store) as client:
        paying = asyncio.create_task(client.create_payment_intent(ORDER, idempotency_key="order-7"))
        await until(store.asked)
        paying.cancel()
        await asyncio.sleep(0)
        store.let.set()
        with pytest.raises(asyncio.CancelledError):
            await paying
    entry = store.find("order-7")
    assert entry is not None
    assert (entry.state, transport.requests) == ("free", [])


class Hanging:
    """A transport whose answer never comes."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def send(self, _request: Any) -> Any:
        self.asked.set()
        await asyncio.Event().wait()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def clock(self) -> float:
        return asyncio.get_running_loop().time()

    async def close(self) -> None: ...


async def test_a_task_that_is_cancelled_in_mid_call_leaves_its_doubt_open_and_free_to_take() -> None:
    store, transport = MemoryJournal(), Hanging()
    async with PlainAsyncClient(CONFIG, transport=transport, journal=store) as client:
        paying = asyncio.create_task(client.create_payment_intent(ORDER, idempotency_key="order-7"))
        await asyncio.wait_for(transport.asked.wait(), 30)
        paying.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await paying
    entry = store.find("order-7")
    assert entry is not None
    assert (entry.state, entry.outcome, entry.lease_left) == ("open", "unknown", 0.0)
    assert failed_call(caught.value).outcome == "unknown"


async def test_tasks_under_one_key_send_once() -> None:
    transport = ScriptedTransport(OK)
    async with PlainAsyncClient(CONFIG, transport=AsyncScriptedTransport(transport), journal=MemoryJournal()) as client:
        calls = [client.create_payment_intent(ORDER, idempotency_key="order-7") for _ in range(20)]
        assert {intent.id for intent in await asyncio.gather(*calls)} == {"pi_1"}
    assert len(transport.requests) == 1


def test_lists_are_read_by_an_index(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "molam.db")
    JournalEntries(database)
    plan = database.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM molam_journal WHERE closed = 0 AND first_used >= 5 "
        "AND NOT (first_used = 5 AND key_hash <= 'a') AND lease_until <= 9 ORDER BY first_used, key_hash LIMIT 100"
    ).rows
    assert ["molam_journal_open" in str(row[-1]) for row in plan] == [True]
    database.close()
