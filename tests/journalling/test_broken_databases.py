"""A journal whose database is locked, full, damaged or gone: nothing is sent, or what is said of it is true."""

from __future__ import annotations

import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event

from molam_sdk import ClientConfig, JournalError, MolamClient, MolamError
from molam_sdk.store.database.seam import committed_apart
from molam_sdk.store.database.sqlite import SqliteDatabase
from molam_sdk.store.entries import JournalEntries
from molam_sdk.testing import ScriptedTransport
from tests.support.journals import a_database
from tests.support.script import OK, TIMEOUT
from tests.support.webhooks.stores import POSTGRES_URL, sql_engine

pytestmark = pytest.mark.slow

CONFIG = ClientConfig(api_key="sk_test_1", environment="sandbox", max_retries=0)


def pay(client: MolamClient, key: str = "order-7", **more: Any) -> Any:
    return client.create_payment_intent({"amount": "100.50", "currency": "USD", **more}, idempotency_key=key)


def failed(client: MolamClient, key: str = "order-7", **more: Any) -> MolamError:
    with pytest.raises(MolamError) as caught:
        pay(client, key, **more)
    return caught.value


def states(client: MolamClient) -> dict[str, str]:
    return {entry.key: entry.state for entry in client.journal.list()}


@pytest.fixture
def entries(tmp_path: Path) -> Iterator[JournalEntries]:
    """A journal that does not wait long for a lock."""
    with closing(SqliteDatabase(tmp_path / "molam.db", timeout_seconds=0.05)) as database:
        yield JournalEntries(database)


def test_a_locked_file_refuses_the_call(tmp_path: Path, entries: JournalEntries) -> None:
    transport = ScriptedTransport(OK)
    client = MolamClient(CONFIG, transport=transport, journal=entries)
    with closing(sqlite3.connect(tmp_path / "molam.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        error = failed(client)
        other.execute("ROLLBACK")
    assert isinstance(error, JournalError)
    assert (error.outcome, transport.requests) == ("not_sent", [])
    assert "locked" in str(error)
    assert pay(client).id == "pi_1"


def test_a_file_that_is_locked_after_the_call_keeps_the_result(tmp_path: Path, entries: JournalEntries) -> None:
    with closing(sqlite3.connect(tmp_path / "molam.db", isolation_level=None)) as other:

        def answer(_request: Any) -> Any:
            other.execute("BEGIN IMMEDIATE")
            return OK

        client = MolamClient(CONFIG, transport=ScriptedTransport(answer, OK), journal=entries)
        assert pay(client).id == "pi_1"
        other.execute("ROLLBACK")
    assert states(client) == {"order-7": "open"}
    entries._database.execute("UPDATE molam_journal SET lease_until = 0")
    assert [entry.state for entry in client.recover()] == ["done"]


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """No file may grow beyond what the journal has now, as on a full disk."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = max(item.stat().st_size for item in path.parent.glob(f"{path.name}*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_refuses_the_call(tmp_path: Path, entries: JournalEntries) -> None:
    transport = ScriptedTransport(OK, OK)
    client = MolamClient(CONFIG, transport=transport, journal=entries)
    pay(client, "order-0")
    with full_disk(tmp_path / "molam.db"):
        error = failed(client, description="x" * 100_000)
    assert isinstance(error, JournalError)
    assert (error.outcome, len(transport.requests)) == ("not_sent", 1)
    assert states(client) == {"order-0": "done"}
    assert pay(client, description="x" * 100_000).id == "pi_1"


def test_a_disk_that_is_full_after_the_call_keeps_the_result(tmp_path: Path, entries: JournalEntries) -> None:
    limits: list[Any] = []

    def answer(_request: Any) -> Any:
        limits.append(full_disk(tmp_path / "molam.db"))
        limits[0].__enter__()
        return OK

    client = MolamClient(CONFIG, transport=ScriptedTransport(answer), journal=entries)
    try:
        assert pay(client).id == "pi_1"
    finally:
        limits[0].__exit__(None, None, None)
    assert set(states(client)) == {"order-7"}


def test_a_file_that_is_damaged_while_it_is_used_refuses_the_call(tmp_path: Path, entries: JournalEntries) -> None:
    transport = ScriptedTransport(OK)
    client = MolamClient(CONFIG, transport=transport, journal=entries)
    pay(client, "order-0")
    entries.close()
    for path in tmp_path.glob("molam.db*"):
        path.write_bytes(b"\xff" * path.stat().st_size)
    error = failed(client)
    assert isinstance(error, JournalError)
    assert (error.outcome, len(transport.requests)) == ("not_sent", 1)


def test_a_file_that_was_removed_refuses_the_call(tmp_path: Path, entries: JournalEntries) -> None:
    transport = ScriptedTransport(OK)
    client = MolamClient(CONFIG, transport=transport, journal=entries)
    entries.close()
    for path in tmp_path.glob("molam.db*"):
        path.unlink()
    assert isinstance(failed(client), JournalError)
    assert transport.requests == []


@pytest.fixture
def engine() -> Iterator[Engine]:
    with a_database(POSTGRES_URL) as url:
        made = create_engine(url)
        yield made
        made.dispose()


def terminate(engine: Engine) -> None:
    """End every backend of this engine, as an administrator or a failover does."""
    with sql_engine(POSTGRES_URL) as outside, outside.begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            (engine.url.query["application_name"],),
        )


def when_writing(engine: Engine, moment: str, act: Callable[[], None]) -> None:
    """Do something once, just before the next commit, or the next statement."""

    event.listen(engine, moment, lambda *_: act(), once=True)


def test_a_connection_that_was_ended_between_calls_refuses_none(engine: Engine) -> None:
    transport = ScriptedTransport(OK, OK)
    client = MolamClient(CONFIG, transport=transport, journal=engine)
    pay(client, "order-0")
    terminate(engine)
    assert pay(client).id == "pi_1"
    assert states(client) == {"order-0": "done", "order-7": "done"}


@pytest.mark.parametrize("moment", ["checkout", "commit"])
def test_a_connection_that_is_ended_while_it_commits_is_replaced(engine: Engine, moment: str) -> None:
    """A statement that commits by itself, and a transaction, which other databases need."""
    transport = ScriptedTransport(OK)
    client = MolamClient(CONFIG, transport=transport, journal=engine)
    if moment == "commit":
        client._state.journal.store._database._commits_alone = False  # type: ignore[union-attr]
    when_writing(engine, moment, lambda: terminate(engine))
    assert pay(client).id == "pi_1"
    assert (states(client), len(transport.requests)) == ({"order-7": "done"}, 1)


def test_a_commit_that_came_through_though_nobody_heard_is_taken_back(engine: Engine) -> None:
    transport = ScriptedTransport(OK)
    client = MolamClient(CONFIG, transport=transport, journal=engine)
    store = client._state.journal.store  # type: ignore[union-attr]
    store._database = CommitsAndFails(store._database)  # type: ignore[attr-defined]
    error = failed(client)
    assert isinstance(error, JournalError)
    assert (error.outcome, states(client), transport.requests) == ("not_sent", {"order-7": "free"}, [])


def test_a_commit_that_nobody_can_ask_about_is_a_doubt(engine: Engine) -> None:
    transport = ScriptedTransport(OK)
    client = MolamClient(CONFIG, transport=transport, journal=engine)
    store = client._state.journal.store  # type: ignore[union-attr]
    database = store._database  # type: ignore[attr-defined]
    store._database = CommitsAndFails(database, for_ever=True)  # type: ignore[attr-defined]
    error = failed(client)
    assert isinstance(error, JournalError)
    assert (error.outcome, transport.requests) == ("unknown", [])
    store._database = database  # type: ignore[attr-defined]
    assert states(client) == {"order-7": "open"}


class CommitsAndFails:
    """A database whose connection breaks when its commit has come through; ``for_ever``: none works from then on."""

    def __init__(self, database: Any, for_ever: bool = False) -> None:
        self._database = database
        self._for_ever = for_ever
        self._broken = False
        self.dialect = database.dialect

    @contextmanager
    def apart(self) -> Iterator[None]:
        self._refuse()
        first = not self._broken
        with self._database.apart():
            yield
        if first and not self._broken:
            self._broken = True
            raise ConnectionError("server closed the connection unexpectedly")

    def execute(self, *arguments: Any) -> Any:
        self._refuse()
        return self._database.execute(*arguments)

    def commit(self, *arguments: Any) -> Any:
        return committed_apart(self, *arguments)  # type: ignore[arg-type]  # a part of a database

    def _refuse(self) -> None:
        if self._broken and self._for_ever:
            raise ConnectionError("connection refused")


def test_a_connection_that_is_ended_in_mid_call_keeps_the_result(engine: Engine) -> None:
    def answer(_request: Any) -> Any:
        terminate(engine)
        return OK

    client = MolamClient(CONFIG, transport=ScriptedTransport(answer, OK), journal=engine)
    assert pay(client).id == "pi_1"
    store = client._state.journal.store  # type: ignore[union-attr]
    store._database.execute('UPDATE "molam_journal" SET lease_until = 0')  # type: ignore[attr-defined]
    assert {entry.state for entry in client.recover()} <= {"done"}
    assert states(client) == {"order-7": "done"}


def test_a_connection_that_is_ended_in_mid_call_keeps_the_doubt(engine: Engine) -> None:
    def answer(_request: Any) -> Any:
        terminate(engine)
        return TIMEOUT

    client = MolamClient(CONFIG, transport=ScriptedTransport(answer), journal=engine)
    assert failed(client).outcome == "unknown"
    assert states(client) == {"order-7": "open"}


def test_the_shops_own_transaction_neither_holds_the_journal_up_nor_takes_it_back(engine: Engine) -> None:
    client = MolamClient(CONFIG, transport=ScriptedTransport(OK), journal=engine)
    database = client._state.journal.store._database  # type: ignore[union-attr]

    def shop() -> None:
        with database.transaction():
            database.execute("SELECT 1")
            pay(client)
            raise KeyError

    with pytest.raises(KeyError):
        shop()
    assert states(client) == {"order-7": "done"}


@pytest.mark.parametrize("head", ["{", "7", "null"])
def test_a_damaged_row_is_named_by_its_key(entries: JournalEntries, head: str) -> None:
    client = MolamClient(CONFIG, transport=ScriptedTransport(OK, OK), journal=entries)
    pay(client)
    entries._database.execute("UPDATE molam_journal SET answer_head = :head", {"head": head})
    with pytest.raises(JournalError, match="the answer's head under 'order-7' is damaged"):
        list(client.journal.list())
    error = failed(client)
    assert (type(error), error.outcome) == (JournalError, "not_sent")
