"""What a durable call sends to its database: one statement and one commit before it, and the same after it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event

from molam_sdk.store.database.alchemy import AlchemyDatabase
from molam_sdk.store.database.sqlite import SqliteDatabase
from molam_sdk.store.entries import JournalEntries
from tests.support.journals import DONE, a_database, asked
from tests.support.webhooks.stores import POSTGRES_URL


def durable(entries: JournalEntries, key: str) -> None:
    """A call as the journal sees it."""
    call = asked(key)
    entries.begin(call, 60)
    assert entries.end(call.key, call.token, DONE)


def word(statement: str) -> str:
    return statement.split(maxsplit=1)[0]


def test_postgresql_is_sent_two_statements_that_commit_by_themselves() -> None:
    """As the server itself logs them (``log_statement``), told to the client."""
    with a_database(POSTGRES_URL) as url:
        logged: list[str] = []
        engine = create_engine(url)

        @event.listens_for(engine, "connect")
        def listen(connection: Any, _record: Any) -> None:
            connection.add_notice_handler(lambda notice: logged.append(notice.message_primary or ""))
            connection.execute("SET client_min_messages = log")
            connection.execute("SET log_statement = 'all'")
            connection.commit()

        entries = JournalEntries(AlchemyDatabase(engine))
        for number in range(8):  # also when the driver has prepared them
            logged.clear()
            durable(entries, f"order-{number}")
            sent = [word(line.partition(": ")[2]) for line in logged]
            assert sent == ["INSERT", "UPDATE"]
        engine.dispose()


def test_sqlite_commits_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    connect = sqlite3.connect

    def traced(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **named)
        connection.set_trace_callback(ran.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    entries = JournalEntries(SqliteDatabase(tmp_path / "molam.db"))
    durable(entries, "order-1")
    ran.clear()
    durable(entries, "order-2")
    entries.close()
    assert [word(statement) for statement in ran] == ["BEGIN", "INSERT", "COMMIT", "BEGIN", "UPDATE", "COMMIT"]
