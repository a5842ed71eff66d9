"""The program: its options, what it logs, and one line for whatever keeps it from starting."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest
import requests
from click.testing import CliRunner

from molam_sdk.cli.commands import molam
from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.command import sandbox as command
from molam_sdk.sandbox.extra import LIBRARIES
from tests.support.sandbox_api import INTENTS
from tests.support.sandbox_process import ROOT, Process

pytestmark = pytest.mark.slow

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `molam` as the program it is."""
    command = [sys.executable, "-m", "molam_sdk.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, encoding="utf-8")


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
        (("--host", "0.0.0.0"), "--allow-remote"),
        (("--host", "no.such.host.invalid", "--allow-remote"), "no.such.host.invalid"),
        (("--fault", "explode"), "kind"),
        (("--fault", "status:statsu=1"), "statsu"),
        (("--fault", "{"), "Expecting"),
        (("--api-key", "sk_live_x"), "sk_test_"),
        (("--rate", "0"), "rate"),
        (("--rate", "often"), "'--rate'"),
        (("--port", "99999"), "0<=x<=65535"),
        (("--port", "http"), "'--port'"),
        (("--prt", "1"), "--prt"),
        (("--error-format", "xml"), "standard"),
        (("surplus",), "surplus"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_code_2(arguments: tuple[str, ...], told: str) -> None:
    done = CliRunner().invoke(molam, ["sandbox", "--port", "0", *arguments], prog_name="molam")
    assert done.exit_code == 2
    (said,) = done.output.splitlines()
    assert said.startswith("molam sandbox: ")
    assert told in said


def test_a_taken_port_is_one_line_that_says_what_to_do(sandbox: Sandbox) -> None:
    port = str(urlsplit(sandbox.url).port)
    done = program("sandbox", "--port", port)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert f"port {port} of 127.0.0.1 is taken" in done.stderr
    assert "--port 0" in done.stderr


def test_a_file_in_use_is_one_line(tmp_path: Path) -> None:
    path = str(tmp_path / "molam.db")
    with Sandbox(db=path):
        done = program("sandbox", "--port", "0", "--db", path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "in use by another sandbox" in done.stderr


def test_both_names_run_the_same_command() -> None:
    context = click.Context(molam, info_name="molam")
    assert molam.resolve_command(context, ["sandbox"])[1] is command
    module = [sys.executable, "-m", "molam_sdk.sandbox", "--help"]
    help_of_the_module = subprocess.run(module, capture_output=True, text=True, cwd=ROOT, timeout=60, encoding="utf-8")
    _, options = help_of_the_module.stdout.split("\n", 1)
    assert program("sandbox", "--help").stdout.split("\n", 1)[1] == options
    assert "--fault KIND:NAME=VALUE" in options


def test_the_help_can_be_read_on_a_terminal_that_knows_ascii_alone() -> None:
    command = [sys.executable, "-m", "molam_sdk.sandbox", "--help"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


def test_every_option_can_be_given_as_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SEED", "5"), ("CONTROL_TOKEN", "open-sesame"), ("OVERDRAFT", "1"), ("FAULTS", "garbage")):
        monkeypatch.setenv(f"MOLAM_SANDBOX_{name}", value)
    process = Process()
    try:
        assert process.key == Sandbox(seed=5).api_key
        url = f"{process.url}/_sandbox/faults"
        assert requests.get(url, timeout=5).status_code == 401
        listed = requests.get(url, headers={"Molam-Sandbox-Token": "open-sesame"}, timeout=5).json()["data"]
        assert [fault["kind"] for fault in listed] == ["garbage"]
    finally:
        process.terminate()


def test_its_log_has_the_form_of_the_clients_log() -> None:
    process = Process(quiet=False)
    api = process.api()
    answer = api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="order-7")
    api.close()
    line = process.popen.stderr.readline() if process.popen.stderr else ""
    assert process.terminate() == 0
    logged = json.loads(line)
    assert abs(logged.pop("ts") / 1000 - time.time()) < 60
    assert logged.pop("duration_ms") > 0
    assert logged.pop("key_id").startswith("key_")
    assert logged == {
        "name": "molam_sdk.sandbox",
        "level": "INFO",
        "msg": "request",
        "operation": "create_payment_intent",
        "status": 201,
        "request_id": answer.headers["X-Molam-Request-Id"],
        "idempotency_key": "order-7",
        "replayed": False,
        "fault": None,
    }


# Without httptools uvicorn reads with h11, so that one is not missed.
@pytest.mark.parametrize("library", [library for library in LIBRARIES if library != "httptools"])
def test_a_missing_library_is_one_line_with_the_command(library: str) -> None:
    script = (
        f"import runpy, sys; sys.modules[{library!r}] = None; sys.argv[1:] = ['--port', '0'];"
        "runpy.run_module('molam_sdk.sandbox', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 2
    expected = f"{library} is missing; run: pip install 'molam-python-sdk[sandbox]'"
    assert done.stderr.strip() == f"python -m molam_sdk.sandbox: {expected}"


def test_the_extra_has_what_the_sandbox_imports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = {re.split(r"[<>=~\[]", line)[0] for line in project["optional-dependencies"]["sandbox"]}
    # swagger-ui-py gives files and is never imported; without it /docs alone is missing.
    assert extra == {*LIBRARIES, "swagger-ui-py"}


def test_a_file_that_is_no_database_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text("this is no database, just a text that is long enough to be read\n" * 20)
    done = program("sandbox", "--port", "0", "--db", str(tmp_path / "no.db"))
    assert (done.returncode, "not a database" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_as_a_process_it_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    process = Process("--db", str(tmp_path / "molam.db"))
    api = process.api()
    api.intent()
    api.close()
    assert process.terminate() == 0
