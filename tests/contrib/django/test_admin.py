"""The inbox in Django's admin, driven through its pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


def test_an_operator_sees_runs_again_and_closes_events_and_can_do_nothing_else(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tests.support.webhooks.django_admin", str(tmp_path / "project.sqlite3")]
    ran = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told == {
        "a stranger": 302,
        "listed": True,
        "shows the error": True,
        "hides the card": True,
        "may note": True,
        "may note what is over": False,
        "adding": 403,
        "deleting": 403,
        "run again says": ["event evt_done cannot be retried: it is resolved", "1 events are due now"],
        "state": {"evt_dead": "received", "evt_done": "resolved", "evt_waits": "received"},
        "closed": ["resolved", "shipped by hand (ops)"],
    }
