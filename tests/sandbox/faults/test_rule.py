"""A rule that does not fit is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from molam_sdk.sandbox.domain.clock import SandboxClock
from molam_sdk.sandbox.faults.faults import Faults
from molam_sdk.sandbox.faults.rule import KINDS
from molam_sdk.sandbox.operations.table import NAMES


@pytest.fixture
def faults() -> Faults:
    return Faults(SandboxClock(), NAMES, seed=7)


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"kind": "explode"}, "kind"),
        ({"kind": "status", "operation": "create_everything"}, "operation"),
        ({"kind": "status", "status": 200}, "status"),
        ({"kind": "status", "status": "503"}, "status"),
        ({"kind": "status", "nth": 0}, "nth"),
        ({"kind": "status", "times": True}, "times"),
        ({"kind": "status", "probability": 1.5}, "probability"),
        ({"kind": "status", "headers": {"Retry-After": 3}}, "headers"),
        ({"kind": "status", "headers": {"X": "a\r\nb: c"}}, "headers"),
        ({"kind": "status", "event": "payout.paid"}, "event"),
        ({"kind": "late", "operation": "create_payout"}, "operation"),
        ({"kind": "late", "key": "k"}, "key"),
        ({"kind": "late", "event": "payout.exploded"}, "event"),
        ({"kind": "status", "tims": 1}, "tims"),
        ({"kind": "status", "key": 5}, "key"),
        ({"kind": "status", "commit": "yes"}, "commit"),
        ({"kind": "status", "id": "fault_9"}, "id"),
        ({"kind": "status", "method": "PUT"}, "method"),
        ({"kind": "status", "scope": 7}, "scope"),
        ({"kind": "latency", "status": 503}, "status: no part of latency; it has seconds, jitter"),
        ({"kind": "garbage", "size": 7}, "size: no part of garbage"),
        ({"kind": "drop_before", "seconds": 1}, "seconds"),
        ({"kind": "late", "endpoint": 5}, "endpoint"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_by_name(faults: Faults, parts: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        faults.add(**parts)


DOCS = Path(__file__).parents[3] / "docs" / "sandbox.md"


def test_the_docs_have_the_faults_of_the_code() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for name, kind in KINDS.items():
        assert f"| `{name}` | {kind.effect} |" in text
