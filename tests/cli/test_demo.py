"""`molam demo`, as the program it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from tests.support.sandbox_process import ROOT

pytestmark = pytest.mark.slow


# What a shop may have set: each would change, or end, what the demo does.
SETTINGS_OF_A_SHOP = {
    "MOLAM_API_KEY": "sk_live_1",
    "MOLAM_API_KEY_FILE": "/no/key",
    "MOLAM_ENVIRONMENT": "staging",
    "MOLAM_REGION": "eu-west",
    "MOLAM_PROXY": "http://proxy.invalid:8080",
    "MOLAM_TIMEOUT_TOTAL": "0.000001",
    "MOLAM_MAX_RETRIES": "none",
    "MOLAM_DEFAULT_CURRENCY": "USD",
    "MOLAM_SWITCHED_OFF": "all",
    "MOLAM_CA_BUNDLE": "/no/ca.pem",
    "MOLAM_JOURNAL": "/no/folder/molam.db",
    "MOLAM_JOURNAL_KEY": Fernet.generate_key().decode(),
    "MOLAM_JOURNAL_TAG": "on",
    "MOLAM_STORE": "/no/folder/events.db",
    "MOLAM_TIMEOUT": "5",
    "HTTP_PROXY": "http://proxy.invalid:8080",
}


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `molam` as the program it is."""
    command = [sys.executable, "-m", "molam_sdk.cli", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        encoding="utf-8",
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("settings", [{}, SETTINGS_OF_A_SHOP], ids=["nothing set", "a shop's settings"])
def test_the_demo_does_the_whole_job(settings: dict[str, str]) -> None:
    done = program("demo", **settings)
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
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert {line["endpoint"] for line in lines} >= {"create_payment_intent", "confirm_payment_intent", "create_refund"}
