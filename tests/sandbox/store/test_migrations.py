"""Old files are carried along, and history cannot be changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.store.tables import SCHEMA
from molam_sdk.sandbox.store.transaction import StoreTransaction
from tests.support.sandbox_api import INTENTS, PAYOUTS, Api

OLD_FILE = Path(__file__).with_name("file_of_0_1.sql").read_text(encoding="utf-8")


def columns(tx: StoreTransaction, table: str) -> dict[str, tuple[str, bool]]:
    return {row[1]: (row[2], bool(row[3])) for row in tx.connection.execute(text(f"PRAGMA table_info({table})"))}


def test_the_steps_make_the_tables_that_the_code_reads(sandbox: Sandbox) -> None:
    with sandbox._store.transaction() as tx:
        for name, table in SCHEMA.tables.items():
            expected = {c.name: (str(c.type), not c.nullable) for c in table.columns}
            assert columns(tx, name) == expected, name
            found = {row[1] for row in tx.connection.execute(text(f"PRAGMA index_list({name})"))}
            assert {index.name for index in table.indexes} <= found, name


def old_file(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD_FILE)
    return str(path)


def test_a_file_of_the_first_version_is_carried_along_with_its_keys_and_disputes(tmp_path: Path) -> None:
    path = old_file(tmp_path / "molam.db")
    for _ in range(2):
        with Sandbox(db=path) as sandbox:
            assert sandbox.api_key == "sk_test_main_of_old"
            api = Api(sandbox.url, sandbox.api_key)
            (paid,) = api.get(INTENTS).json()["data"]
            # A scope that the first version did not have: the main key may do everything.
            assert api.get("/v1/connect/balance").status_code == 200
            reader = Api(sandbox.url, "sk_test_reader_of_old")
            assert [reader.get(path).status_code for path in (PAYOUTS, INTENTS)] == [200, 403]
            sandbox.clock.advance(hours=25)
            assert (paid["status"], sandbox.ledger.discrepancies()) == ("succeeded", [])
            for each in (api, reader):
                each.close()
    assert b"sk_test_reader_of_old" not in Path(path).read_bytes()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("PRAGMA user_version = 99", "newer sandbox"),
        ("DROP TRIGGER ledger_no_update", "another hand"),
        ("ALTER TABLE deliveries ADD COLUMN more TEXT", "another hand"),
        ("DELETE FROM texts", "another hand"),
    ],
)
def test_a_file_that_is_newer_or_was_changed_is_refused(tmp_path: Path, damage: str, told: str) -> None:
    path = str(tmp_path / "molam.db")
    Sandbox(db=path).start().stop()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(damage)
        connection.commit()
    with pytest.raises(OSError, match=told) as refused:
        Sandbox(db=path).start()
    assert "molam.db" in str(refused.value)


def test_a_file_whose_pages_are_broken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "molam.db"
    Sandbox(db=str(path)).start().stop()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OSError, match=r"molam\.db: "):
        Sandbox(db=str(path)).start()


@pytest.mark.parametrize("table", ["ledger", "requests", "events"])
@pytest.mark.parametrize("deed", ["UPDATE {} SET at = 0", "DELETE FROM {}"])
def test_history_cannot_be_changed(api: Api, sandbox: Sandbox, table: str, deed: str) -> None:
    api.paid()
    with pytest.raises(IntegrityError, match="append-only"), sandbox._store.transaction() as tx:
        tx.connection.execute(text(deed.format(table)))
