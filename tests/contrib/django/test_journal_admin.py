"""The journal in Django's admin, driven through its pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_an_operator_filters_recovers_and_reviews_and_can_do_nothing_else(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tests.support.webhooks.django_journal_admin", str(tmp_path / "project.sqlite3")]
    ran = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told == {
        "a stranger": 302,
        "filters": [["doubt", "review", "waits"], ["done"], ["waits"], ["review"]],  # open, ended, queued, old
        "outcomes": [["doubt", "review"], ["done", "doubt", "review", "waits"]],
        "shows": [True, False, True],  # the amount, the card number, the answer
        "may review": [False, True],
        "adding": 403,
        "deleting": 403,
        "recover says": ["doubt is done", "review is review", "idempotency key 'done' is done"],
        "half a review": True,
        "states": {"done": "done", "doubt": "done", "review": "done", "waits": "refused"},
        "note": "pi_9 in the dashboard (ops)",
    }
