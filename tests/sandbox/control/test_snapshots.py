"""Snapshots: what was there is there again, another sandbox can be given it, and what is none changes nothing."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from tests.cli.test_control import molam
from tests.support.sandbox_api import INTENTS, PAYOUTS, Api
from tests.support.sandbox_receiver import Receiver


@pytest.fixture(params=["memory", "file"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(db=str(tmp_path / "molam.db") if request.param == "file" else None) as sandbox:
        yield sandbox


def api_of(sandbox: Sandbox) -> Api:
    return Api(sandbox.url, sandbox.api_key)


def test_what_was_there_is_there_again(box: Sandbox) -> None:
    api = api_of(box)
    paid, refused = api.paid(metadata={"order_id": "A-1"}), api.post(INTENTS, {"amount": 7, "currency": "USD"}, key="k")
    box.clock.advance(hours=2)
    kept = box.snapshot()
    books = box.ledger.balances()
    api.pay_out(amount=1)
    box.clock.advance(hours=30)
    box.restore(kept)
    assert (box.ledger.balances(), box.ledger.balanced()) == (books, True)
    assert box.clock.offset == pytest.approx(7200, abs=1)
    assert api.get(PAYOUTS).json()["data"] == []
    assert {each["id"] for each in api.get(INTENTS).json()["data"]} == {paid["id"], refused.json()["id"]}
    again = api.post(INTENTS, {"amount": 7, "currency": "USD"}, key="k")
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (refused.json()["id"], "true")


def test_reset_begins_anew_and_clients_go_on(box: Sandbox) -> None:
    api = api_of(box)
    api.paid(metadata={"order_id": "A-1"})
    other = box.keys.create(account="other")
    box.faults.drop_before(operation="create_payout")
    box.clock.advance(hours=2)
    box.reset()
    assert (api.get(INTENTS).json()["data"], box.faults.list(), box.clock.offset) == ([], [], 0.0)
    assert (box.ledger.executions(order="A-1"), box.webhooks.events()) == (0, [])
    assert Api(box.url, other).get(INTENTS).status_code == 401
    assert api.paid()["status"] == "succeeded"
    assert box.ledger.balanced()


def test_another_sandbox_can_be_given_it(sandbox: Sandbox) -> None:
    paid = api_of(sandbox).paid()
    with Sandbox() as other:
        other.restore(sandbox.snapshot())
        assert api_of(other).get(f"{INTENTS}/{paid['id']}").json()["status"] == "succeeded"
        assert other.api_key != sandbox.api_key


def test_deliveries_go_on_after_it(sandbox: Sandbox, receiver: Receiver) -> None:
    api = api_of(sandbox)
    api.subscribe(receiver.url)
    kept = sandbox.snapshot()
    api.paid()
    sandbox.restore(kept)
    sandbox.webhooks.wait()
    before = len(receiver.arrivals)
    paid = api.paid()
    sandbox.webhooks.wait()
    assert paid["id"] in {each["data"]["id"] for each in sandbox.webhooks.events()}
    assert len(receiver.arrivals) == before + 2


@pytest.mark.parametrize(
    "rubbish", [b"", b"no database", b"SQLite format 3\x00" + b"x" * 4096, "cut", "newer"], ids=repr
)
def test_what_is_no_snapshot_is_refused_and_nothing_changes(box: Sandbox, rubbish: Any) -> None:
    api = api_of(box)
    paid = api.paid()
    whole = box.snapshot()
    data = {"cut": whole[: len(whole) // 2], "newer": _of_a_newer_version(whole)}.get(rubbish, rubbish)
    with pytest.raises(OSError, match=r"no snapshot of a sandbox|newer sandbox"):
        box.restore(data)
    assert api.get(f"{INTENTS}/{paid['id']}").json()["status"] == "succeeded"
    assert box.ledger.balanced()


def _of_a_newer_version(data: bytes) -> bytes:
    """``user_version`` is the big-endian number at byte 60 of a file of SQLite."""
    return data[:60] + (9999).to_bytes(4, "big") + data[64:]


def test_over_http(sandbox: Sandbox) -> None:
    control = f"{sandbox.url}/_sandbox"
    api_of(sandbox).paid()
    kept = requests.get(f"{control}/snapshot", timeout=30).json()
    assert requests.post(f"{control}/reset", json={}, timeout=30).status_code == 204
    assert api_of(sandbox).get(INTENTS).json()["data"] == []
    assert requests.post(f"{control}/snapshot", json=kept, timeout=30).status_code == 204
    assert len(api_of(sandbox).get(INTENTS).json()["data"]) == 1
    for wrong in ({}, {"snapshot": 5}, {"snapshot": "%"}, {"snapshot": "bm8="}):
        refused = requests.post(f"{control}/snapshot", json=wrong, timeout=30)
        assert (refused.status_code, refused.json()["error"]["message"][:9]) == (400, "snapshot:")


def test_from_a_terminal(sandbox: Sandbox, tmp_path: Path) -> None:
    file, url = tmp_path / "stocked.molam", ("--url", sandbox.url)
    api_of(sandbox).paid()
    assert molam("snapshot", "save", str(file), *url).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert molam("reset", *url).exit_code == 0
    assert sandbox.ledger.entries() == []
    assert molam("snapshot", "restore", str(file), *url).exit_code == 0
    assert sandbox.ledger.entries() != []
    file.write_bytes(b"no snapshot")
    refused = molam("snapshot", "restore", str(file), *url)
    assert (refused.exit_code, "no snapshot of a sandbox" in refused.output) == (1, True)


def test_one_that_does_not_run_says_so() -> None:
    sandbox = Sandbox()
    for act in (sandbox.snapshot, sandbox.reset, lambda: sandbox.restore(b"")):
        with pytest.raises(RuntimeError, match="not running"):
            act()
