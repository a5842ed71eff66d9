"""The commands to a running sandbox: events, triggers, faults, clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner, Result

from molam_sdk.cli.commands import molam as group
from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, Api
from tests.support.sandbox_process import ROOT


def molam(*arguments: str, **environment: str | None) -> Result:
    """Run `molam` in this process, with the MOLAM_ variables given and no others."""
    without = {name: None for name in os.environ if name.startswith("MOLAM_")}
    return CliRunner().invoke(group, arguments, env={**without, **environment})


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
