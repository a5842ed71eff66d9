"""A file: one sandbox at a time, and nothing lost."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from molam_sdk.sandbox import DatabaseInUseError, Sandbox
from tests.support.sandbox_api import INTENTS, PAYOUTS, Api


def test_a_file_serves_one_sandbox_at_a_time(tmp_path: Path) -> None:
    path = str(tmp_path / "molam.db")
    with Sandbox(db=path), pytest.raises(DatabaseInUseError, match=r"molam\.db"):
        Sandbox(db=path).start()


def test_a_file_is_its_owners_alone_and_has_a_key_of_its_own(tmp_path: Path) -> None:
    keys = []
    for name in ("one.db", "two.db", "one.db"):
        with Sandbox(db=str(tmp_path / name)) as sandbox:
            keys.append(sandbox.api_key)
            Api(sandbox.url, sandbox.api_key).intent()
            if sys.platform != "win32":
                assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    assert keys[0] == keys[2] != keys[1]


def test_a_file_that_others_could_read_is_taken_from_them(tmp_path: Path) -> None:
    path = tmp_path / "molam.db"
    path.touch(0o644)
    Sandbox(db=str(path)).start().stop()
    assert sys.platform == "win32" or stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("durable", "level"), [(False, 1), (True, 2)])
def test_durable_waits_for_the_disk(tmp_path: Path, durable: bool, level: int) -> None:
    with Sandbox(db=str(tmp_path / "molam.db"), durable=durable) as sandbox, sandbox._store.transaction() as tx:
        assert tx.connection.execute(text("PRAGMA synchronous")).scalar_one() == level


def test_a_file_keeps_everything_and_the_time(tmp_path: Path) -> None:
    path = str(tmp_path / "molam.db")
    with Sandbox(db=path) as sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        answer = api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="k1")
        payout = api.pay_out()
        key = sandbox.keys.create("payouts:read")
        sandbox.clock.advance(seconds=30)
        api.close()
    with Sandbox(db=path) as sandbox:
        assert sandbox.clock.offset == pytest.approx(30, abs=1)
        api, reader = Api(sandbox.url, sandbox.api_key), Api(sandbox.url, key)
        assert api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="k1").content == answer.content
        assert reader.get(f"{PAYOUTS}/{payout['id']}").json()["status"] == "pending"
        sandbox.clock.advance(seconds=31)
        assert reader.get(f"{PAYOUTS}/{payout['id']}").json()["status"] == "completed"
        api.close()
        reader.close()
