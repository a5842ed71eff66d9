"""`molam journal`: what it shows, what it hides, what it settles, and its exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from molam_sdk.cli.commands import molam
from molam_sdk.journal import End, KeptAnswer
from molam_sdk.store.database.sqlite import SqliteDatabase
from tests.support.http_server import HostileServer, then_close
from tests.support.journals import DONE, OPEN, REFUSED, Bench, asked, bench_of
from tests.support.sandbox_process import ROOT


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with closing(SqliteDatabase(tmp_path / "molam.db")) as database:
        yield bench_of(database)


@pytest.fixture
def run(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("MOLAM_JOURNAL", str(tmp_path / "molam.db"))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(molam, ["journal", *arguments])

    return run


def test_a_list_has_a_line_for_each_open_ones_first(bench: Bench, run: Any) -> None:
    bench.left(DONE, "order-1")
    bench.left(OPEN, "order-2")
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines] == ["open", "done"]
    assert "order-2" in lines[0]
    assert "pi_1" in lines[1]
    assert [line.split()[0] for line in run("list", "--open").output.splitlines()] == ["open"]
    assert [line.split()[0] for line in run("list", "--ended").output.splitlines()] == ["done"]


def test_a_list_as_json_is_an_object_a_line(bench: Bench, run: Any) -> None:
    bench.left(DONE, body=b'{"payment_id":"pi_1","amount":5,"currency":"USD"}')
    found = json.loads(run("list", "--json").output)
    assert (found["key"], found["state"], found["object_id"], found["amount"], found["currency"]) == (
        "order-7",
        "done",
        "pi_1",
        5,
        "USD",
    )


def test_an_entry_is_shown_without_secrets_and_card_numbers(bench: Bench, run: Any) -> None:
    answer = KeptAnswer(201, {}, b'{"id":"we_1","secret":"whsec_hidden","description":"card 4242 4242 4242 4242"}')
    body = b'{"url":"https://a.test","password":"hunter2"}'
    bench.left(End("done", None, "201", answer=answer), body=body)
    for arguments in (["show", "order-7"], ["show", "order-7", "--json"]):
        shown = run(*arguments)
        assert shown.exit_code == 0
        for secret in ("whsec_hidden", "4242 4242", "hunter2"):
            assert secret not in shown.output
        assert "we_1" in shown.output
        assert "https://a.test" in shown.output


@pytest.mark.parametrize("body", [None, b"", b"no json", b"[1]", b"\xff"])
def test_whatever_was_sent_can_be_shown(bench: Bench, run: Any, body: bytes | None) -> None:
    bench.left(OPEN, body=body)
    assert run("show", "order-7").exit_code == 0
    assert run("export").exit_code == 0


def test_a_key_that_is_not_there_ends_with_1(run: Any) -> None:
    shown = run("show", "order-8")
    assert (shown.exit_code, "no key 'order-8'" in shown.output) == (1, True)


def test_an_export_is_a_table_that_a_spreadsheet_takes_for_text(bench: Bench, run: Any, tmp_path: Path) -> None:
    bench.left(DONE, "=cmd|' /C calc'!A0", body=b'{"amount":5,"currency":"USD"}')
    bench.left(REFUSED, 'order,"8"')
    bench.left(OPEN, "order-9")
    output = tmp_path / "out.csv"
    assert run("export", "--csv", "--output", str(output)).exit_code == 0
    rows = list(csv.DictReader(io.StringIO(output.read_text("utf-8"))))
    assert {row["key"] for row in rows} == {"'=cmd|' /C calc'!A0", 'order,"8"', "order-9"}
    assert {row["state"] for row in rows} == {"done", "refused", "open"}
    assert json.loads(run("export").output.splitlines()[0])["key"] == "order-9"


def test_settling_by_hand(bench: Bench, run: Any) -> None:
    bench.left(OPEN)
    assert run("settle", "order-7", "--note", "n").exit_code == 2
    assert run("settle", "order-7", "--done").exit_code == 2
    assert run("settle", "order-7", "--refused", "--note", "not in the dashboard").exit_code == 0
    assert (bench.entry().state, bench.entry().note) == ("refused", "not in the dashboard")
    again = run("settle", "order-7", "--done", "--note", "n")
    assert (again.exit_code, "is refused" in again.output) == (1, True)


def test_pruning(bench: Bench, run: Any) -> None:
    bench.left(DONE)
    bench.aged("order-7", 3 * 86_400)
    bench.set("order-7", "ended", 1.0)
    for wrong in ("", "5", "5x", "-5d", "1.5d", "9999999d"):
        assert run("prune", "--older-than", wrong).exit_code == 2
    assert run("prune", "--older-than", "23h").exit_code == 1
    assert run("prune", "--older-than", "2d").output == "1 forgotten\n"


def test_a_journal_that_is_not_named_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOLAM_JOURNAL", raising=False)
    assert CliRunner().invoke(molam, ["journal", "list"]).exit_code == 2
    missing = tmp_path / "none.db"
    for name in (str(missing), f"sqlite:///{missing}"):
        found = CliRunner().invoke(molam, ["journal", "--journal", name, "list"])
        assert (found.exit_code, "there is no journal" in found.output) == (1, True)
    assert not missing.exists()


def left_at(server: HostileServer, bench: Bench, *keys: str) -> None:
    """Refunds that a worker left, as the account of the environment."""
    from molam_sdk._core.account import account_of

    account = account_of({"Authorization": "Bearer sk_test_cli"})
    for key in keys:
        bench.left(OPEN, key, base_url=server.url, account=account)


def recovering(server: HostileServer, tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "MOLAM_API_KEY": "sk_test_cli",
        "MOLAM_BASE_URL": server.url,
        "MOLAM_JOURNAL": str(tmp_path / "molam.db"),
        "MOLAM_MAX_RETRIES": "0",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "molam_sdk.cli", "journal", "recover", *arguments]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
        # A shell that runs the tests in the background has them, and so this child, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - runs no lock
    )


REFUND = {"id": "re_1", "payment_id": "pi_1", "amount": 5, "currency": "USD", "status": "succeeded"}


def test_recover_settles_what_is_left_and_says_so(bench: Bench, tmp_path: Path) -> None:
    from tests.support.http_server import MOLAMS, answer

    with HostileServer(usual=answer(201, REFUND, [MOLAMS])) as server:
        left_at(server, bench, "order-1", "order-2")
        ran = recovering(server, tmp_path)
        out, err = ran.communicate(timeout=60)
    assert (ran.returncode, [line.split()[0] for line in out.splitlines() if "order-" in line]) == (0, ["done"] * 2), (
        err
    )
    assert bench.entry("order-1").state == "done"


def test_recover_ends_with_1_where_something_stays_in_doubt(bench: Bench, tmp_path: Path) -> None:
    with HostileServer(usual=then_close()) as server:
        left_at(server, bench, "order-1")
        ran = recovering(server, tmp_path, "--timeout", "0.3")
        out, err = ran.communicate(timeout=60)
    assert (ran.returncode, "order-1" in out) == (1, True), err


def test_ctrl_c_leaves_the_rest_open(bench: Bench, tmp_path: Path) -> None:
    asked_for, over = threading.Event(), threading.Event()

    def hang(wire: Any) -> bool:
        asked_for.set()
        wire.hang()
        return False

    with HostileServer(usual=hang) as server:
        left_at(server, bench, "order-1", "order-2")
        ran = recovering(server, tmp_path)
        assert asked_for.wait(30)
        ran.send_signal(signal.SIGINT)
        _, err = ran.communicate(timeout=60)
        over.set()
    assert (ran.returncode, "stays open" in err) == (130, True), err
    assert {bench.entry(key).state for key in ("order-1", "order-2")} == {"open"}
    assert bench.entry("order-1").lease_left == 0


def test_a_pipe_that_closes_ends_an_export_quietly(bench: Bench, tmp_path: Path) -> None:
    for number in range(300):
        bench.store.begin(asked(f"order-{number}"), 60)
    command = f"{sys.executable} -m molam_sdk.cli journal --journal {tmp_path}/molam.db export | head -1"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert ("order-" in ran.stdout, ran.stderr) == (True, "")
