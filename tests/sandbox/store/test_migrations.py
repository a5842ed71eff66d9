"""Old files are carried along, and history cannot be changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.store.migrations import MIGRATIONS
from tests.support.sandbox_api import Api


def test_migrations_run_once_and_carry_an_old_file_along(tmp_path: Path) -> None:
    path = str(tmp_path / "molam.db")
    for _ in range(2):
        with Sandbox(db=path) as sandbox, sandbox._store.transaction() as tx:
            assert tx.connection.execute(text("PRAGMA user_version")).scalar_one() == len(MIGRATIONS)
    with Sandbox(db=path) as sandbox, sandbox._store.transaction() as tx:
        tx.connection.execute(text("DROP TRIGGER ledger_no_update"))
        tx.connection.execute(text("PRAGMA user_version = 1"))
    with Sandbox(db=path) as sandbox, sandbox._store.transaction() as tx:
        found = tx.connection.execute(text("SELECT count(*) FROM sqlite_master WHERE name = 'ledger_no_update'"))
        assert found.scalar_one() == 1


@pytest.mark.parametrize("table", ["ledger", "requests", "events"])
@pytest.mark.parametrize("deed", ["UPDATE {} SET at = 0", "DELETE FROM {}"])
def test_history_cannot_be_changed(api: Api, sandbox: Sandbox, table: str, deed: str) -> None:
    api.paid()
    with pytest.raises(IntegrityError, match="append-only"), sandbox._store.transaction() as tx:
        tx.connection.execute(text(deed.format(table)))
