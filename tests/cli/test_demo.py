"""`molam demo`, as the program it is."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.sandbox_process import ROOT

pytestmark = pytest.mark.slow


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
        "killed with -9",
        "created for order A-1002: 1 time",
    ):
        assert part in done.stdout
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert {line["endpoint"] for line in lines} >= {"create_payment_intent", "confirm_payment_intent", "create_refund"}
