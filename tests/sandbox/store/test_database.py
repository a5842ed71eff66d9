"""A file: one sandbox at a time, and nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from molam_sdk.sandbox import DatabaseInUseError, Sandbox
from tests.support.sandbox_api import INTENTS, PAYOUT, PAYOUTS, Api


def test_a_file_serves_one_sandbox_at_a_time(tmp_path: Path) -> None:
    path = str(tmp_path / "molam.db")
    with Sandbox(db=path), pytest.raises(DatabaseInUseError, match=r"molam\.db"):
        Sandbox(db=path).start()


def test_a_file_keeps_everything_and_the_time(tmp_path: Path) -> None:
    path = str(tmp_path / "molam.db")
    with Sandbox(db=path) as sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        answer = api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="k1")
        payout = api.made(PAYOUTS, PAYOUT)
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
