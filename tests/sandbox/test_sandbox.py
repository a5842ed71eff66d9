"""Starting and stopping from code: nothing left behind, wrong settings refused."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, Api
from tests.support.sandbox_process import ROOT
from tests.support.sandbox_receiver import Receiver


def test_several_run_in_one_process_and_know_nothing_of_each_other() -> None:
    with Sandbox() as one, Sandbox(seed=1) as two:
        assert one.url != two.url
        assert one.api_key != two.api_key
        api = Api(two.url, one.api_key)
        assert api.get(INTENTS).status_code == 401
        api.close()


def test_stop_leaves_no_thread_and_no_port_behind(receiver: Receiver) -> None:
    before = set(threading.enumerate())
    sandbox = Sandbox().start()
    api = Api(sandbox.url, sandbox.api_key)
    api.subscribe(receiver.url)
    api.paid()
    sandbox.webhooks.wait()
    parts = urlsplit(sandbox.url)
    sandbox.stop()
    sandbox.stop()
    assert set(threading.enumerate()) - before <= {t for t in threading.enumerate() if "process_request" in t.name}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=2).close()
    api.close()


@pytest.mark.alone
def test_start_takes_far_less_than_300_ms() -> None:
    began = time.perf_counter()
    with Sandbox():
        assert time.perf_counter() - began < 0.3


def test_a_sandbox_can_be_started_again(tmp_path: Path) -> None:
    sandbox = Sandbox(db=str(tmp_path / "molam.db"))
    with sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        intent = api.intent()
        api.close()
    with sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        assert api.get(f"{INTENTS}/{intent['id']}").json() == intent
        api.close()


def test_what_is_not_running_says_so() -> None:
    sandbox = Sandbox()
    for use in (lambda: sandbox.url, sandbox.ledger.balanced, sandbox.webhooks.wait, sandbox.keys.create):
        with pytest.raises(RuntimeError, match="not running"):
            use()
    with sandbox, pytest.raises(RuntimeError, match="running already"):
        sandbox.start()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"host": "0.0.0.0"}, "allow_remote"),
        ({"rate": 0}, "rate"),
        ({"error_format": "xml"}, "error_format"),
        ({"api_key": "sk_live_x"}, "sk_test_"),
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Sandbox(**wrong)  # type: ignore[arg-type] - wrong on purpose


def test_a_program_that_forgets_to_stop_it_ends_in_silence() -> None:
    script = "from molam_sdk.sandbox import Sandbox; s = Sandbox().start(); print(s.url)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=30, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
