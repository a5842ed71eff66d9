"""The command line, each command as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from molam_sdk.cli.commands import molam as group
from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.__main__ import main, read_fault
from tests.support.sandbox_api import INTENTS, Api
from tests.support.sandbox_process import ROOT, Process


def molam(*arguments: str, **environment: str | None) -> Result:
    """Run `molam` in this process, with the MOLAM_ variables given and no others."""
    without = {name: None for name in os.environ if name.startswith("MOLAM_")}
    return CliRunner().invoke(group, arguments, env={**without, **environment})


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `molam` as the program it is."""
    command = [sys.executable, "-m", "molam_sdk.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, encoding="utf-8")


def test_the_demo_does_the_whole_job() -> None:
    done = program("demo")
    assert done.returncode == 0, done.stderr
    for part in (
        "created for order A-1001: 1 time",
        "is succeeded",
        "4 webhooks came",
        "sides balance",
        "requests_total",
    ):
        assert part in done.stdout
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert {line["endpoint"] for line in lines} >= {"create_payment_intent", "confirm_payment_intent", "create_refund"}


def test_the_sandbox_runs_with_its_options_and_ends_on_sigterm() -> None:
    process = Process("--seed", "5", "--rate", "1000", "--error-format", "legacy", "--fault", "status:status=502,nth=1")
    api = process.api()
    assert process.key == Sandbox(seed=5).api_key
    answer = api.post(INTENTS, {})
    assert (answer.status_code, answer.json()["error_code"]) == (502, "injected_fault")
    assert api.post(INTENTS, {}).json()["error_code"] == "parameter_missing"
    api.close()
    assert process.terminate() == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--host", "0.0.0.0"), "allow_remote"),
        (("--fault", "explode"), "kind"),
        (("--fault", "status:statsu=1"), "statsu"),
        (("--api-key", "sk_live_x"), "sk_test_"),
        (("--rate", "0"), "rate"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_code_2(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--port", "0", *arguments], "molam sandbox") == 2
    said = capsys.readouterr().err
    assert said.startswith("molam sandbox: ")
    assert told in said


def test_a_file_that_is_no_database_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text("this is no database, just a text that is long enough to be read\n" * 20)
    done = program("sandbox", "--port", "0", "--db", str(tmp_path / "no.db"))
    assert (done.returncode, "not a database" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("drop_before", {"kind": "drop_before"}),
        ("status:status=503,operation=create_refund", {"kind": "status", "status": 503, "operation": "create_refund"}),
        ("reset:commit=true,probability=0.5", {"kind": "reset", "commit": True, "probability": 0.5}),
        ('{"kind": "status", "headers": {"Retry-After": "3"}}', {"kind": "status", "headers": {"Retry-After": "3"}}),
    ],
)
def test_a_fault_is_written_in_one_word(spec: str, parts: dict[str, object]) -> None:
    assert read_fault(spec) == parts


def test_a_running_sandbox_is_watched_triggered_and_moved(api: Api, sandbox: Sandbox) -> None:
    url = ("--url", sandbox.url)
    event_id = molam("trigger", "payout.paid", "--data", '{"id": "po_1"}', *url).stdout.strip()
    tail = molam("events", "tail", "--once", "--type", "payout.paid", MOLAM_SANDBOX_URL=sandbox.url)
    (line,) = [json.loads(line) for line in tail.stdout.splitlines()]
    assert (line["id"], line["data"]) == (event_id, {"id": "po_1"})
    fault_id = molam("faults", "add", "status:status=502,times=1", *url).stdout.strip()
    assert api.get(INTENTS).status_code == 502
    listed = json.loads(molam("faults", "list", *url).stdout)
    assert (listed["id"], listed["fired"]) == (fault_id, 1)
    assert molam("faults", "clear", *url).exit_code == 0
    assert sandbox.faults.list() == []
    assert molam("advance", "--hours", "2", *url).exit_code == 0
    assert sandbox.clock.offset == pytest.approx(7200, abs=1)


def test_tail_follows_what_happens(sandbox: Sandbox) -> None:
    command = [sys.executable, "-m", "molam_sdk.cli", "events", "tail", "--url", sandbox.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as tail:
        assert tail.stdout is not None
        over = threading.Event()

        def keep_triggering() -> None:
            while not over.wait(0.05):
                sandbox.webhooks.trigger("payment.succeeded")

        trigger = threading.Thread(target=keep_triggering)
        trigger.start()
        first = json.loads(tail.stdout.readline())
        over.set()
        trigger.join()
        tail.kill()
    assert first["type"] == "payment.succeeded"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("trigger", "payment.exploded"), "payment.succeeded"),
        (("trigger", "payment.succeeded", "--data", "{"), "--data"),
        (("faults", "add", "explode"), "latency"),
        (("faults", "add", "{"), "Expecting"),
    ],
)
def test_what_the_sandbox_refuses_is_one_sentence(sandbox: Sandbox, arguments: tuple[str, ...], told: str) -> None:
    done = molam(*arguments, "--url", sandbox.url)
    assert done.exit_code != 0
    assert told in done.output
    assert "Traceback" not in done.output


def test_no_sandbox_is_one_sentence() -> None:
    done = molam("events", "tail", "--url", "http://127.0.0.1:9")
    assert done.exit_code == 1
    assert "molam sandbox" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(("library", "extra"), [("click", "cli"), ("starlette", "sandbox"), ("uvicorn", "sandbox")])
def test_a_missing_extra_is_one_sentence_with_the_command(library: str, extra: str) -> None:
    script = (
        f"import sys; sys.modules[{library!r}] = None; sys.argv[1:] = ['demo']; from molam_sdk import cli; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr.strip() == f"molam: {library} is missing; run: pip install 'molam-python-sdk[{extra}]'"
