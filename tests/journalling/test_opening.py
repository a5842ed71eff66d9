"""What may be given as a journal, and what is said of everything else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from molam_sdk import ClientConfig, ConfigurationError, MolamClient, MolamSyncClient
from molam_sdk.journal import MemoryJournal
from molam_sdk.store import SqliteStore
from molam_sdk.store.sql import SqlStore
from molam_sdk.testing import ScriptedTransport
from tests.support.journals import a_database
from tests.support.script import OK
from tests.support.webhooks.stores import MARIADB_URL, POSTGRES_URL, sql_engine

ORDER = {"amount": "100.50", "currency": "USD"}


def client_with(journal: Any, **settings: Any) -> MolamClient:
    config = ClientConfig(**({"api_key": "sk_test_1", "environment": "sandbox"} | settings))
    return MolamClient(config, transport=ScriptedTransport(OK), journal=journal)


def keeps(journal: Any, key: str = "order-7") -> bool:
    with client_with(journal) as client:
        client.create_payment_intent(ORDER, idempotency_key=key)
        entry = client.journal.get(key)
        return entry is not None and entry.state == "done"


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}", Path])
def test_a_path_is_a_journal_in_a_file_of_its_owner_alone(tmp_path: Path, form: Any) -> None:
    path = tmp_path / "molam.db"
    assert keeps(form(path) if form is Path else form.format(path))
    assert path.stat().st_mode & 0o777 == 0o600
    with client_with(str(path)) as client:
        assert client.create_payment_intent(ORDER, idempotency_key="order-7").replayed


@pytest.mark.parametrize("url", [POSTGRES_URL, MARIADB_URL], ids=["postgresql", "mariadb"])
def test_a_url_is_a_journal_in_that_database(url: str) -> None:
    with a_database(url) as place, sql_engine(place) as engine:
        assert keeps(place)
        assert keeps(engine, "order-8")


def test_an_engine_or_a_store_of_the_receiver_is_a_journal(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    store = SqliteStore(tmp_path / "store.db")
    assert keeps(engine)
    assert keeps(SqlStore(engine), "order-8")
    assert keeps(store)
    assert keeps(MemoryJournal())
    store.close()
    engine.dispose()


def test_an_engine_that_was_given_stays_open(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    assert keeps(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM molam_journal").scalar() == 1
    engine.dispose()


def test_the_environment_names_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOLAM_JOURNAL", str(tmp_path / "molam.db"))
    monkeypatch.setenv("MOLAM_API_KEY", "sk_live_1")
    with MolamSyncClient(transport=ScriptedTransport(OK)) as client:
        client.create_payment_intent(ORDER, idempotency_key="order-7")
        assert client.journal.get("order-7") is not None
        assert client.client.journal.get("order-7") is not None


def test_what_is_given_wins_over_the_environment(tmp_path: Path) -> None:
    config = ClientConfig(api_key="sk_live_1", journal=str(tmp_path / "molam.db"))
    client = MolamClient(config, transport=ScriptedTransport(OK), journal=MemoryJournal())
    client.create_payment_intent(ORDER, idempotency_key="order-7")
    client.close()
    assert not (tmp_path / "molam.db").exists()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "must name a file"),
        (" ", "must name a file"),
        (":memory:", "would forget"),
        ("sqlite://", "would forget"),
        ("sqlite+pysqlite:///:memory:", "would forget"),
        (create_engine("sqlite://"), "would forget"),
        ("sqlite:///molam.db?mode=ro", "options"),
        ("sqlite:///:memory:", "would forget"),
        ("oracle://x", "cannot be opened"),
        ("mongodb://x", "cannot be opened"),
        ("nowhere/at/all/molam.db", "cannot be opened: .*nowhere"),
        (5, "not int"),
        (True, "not bool"),
        ({}, "not dict"),
        (object(), "not object"),
    ],
)
def test_what_is_no_journal_is_refused_when_the_client_is_made(source: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        client_with(source)


def test_an_engine_of_asyncio_is_refused_with_what_to_give_instead(tmp_path: Path) -> None:
    pytest.importorskip("aiosqlite")
    with pytest.raises(ConfigurationError, match="create_engine"):
        client_with(create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/a.db"))


def test_a_url_never_tells_its_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        client_with("postgresql+psycopg://me:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(ClientConfig(api_key="sk_live_1", journal="postgresql://me:hunter2@h/d"))


@pytest.mark.parametrize("rubbish", [b"", b"no database, " * 100], ids=["empty", "rubbish"])
def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path, rubbish: bytes) -> None:
    path = tmp_path / "molam.db"
    path.write_bytes(rubbish)
    if not rubbish:  # SQLite takes an empty file for a new database
        assert keeps(path)
        return
    with pytest.raises(ConfigurationError, match=r"molam\.db cannot be opened: .*not a database"):
        client_with(path)
    assert path.read_bytes() == rubbish


def test_a_table_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    assert keeps(tmp_path / "molam.db")
    store = SqliteStore(tmp_path / "molam.db")
    store.database.execute("UPDATE molam_schema SET version = 99 WHERE component = 'molam_journal'")
    store.close()
    with pytest.raises(ConfigurationError, match="pip install --upgrade"):
        client_with(tmp_path / "molam.db")


def test_a_client_without_a_journal_loads_nothing_of_it() -> None:
    program = (
        "import sys; from molam_sdk import *\n"
        "MolamSyncClient(ClientConfig(api_key='sk_live_1'))\n"
        "print([name for name in sys.modules if 'journal' in name or name.startswith('molam_sdk.store')])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
