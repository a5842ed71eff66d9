"""The rule of every store, row by row."""

from __future__ import annotations

import pytest

from molam_sdk.store import Claim, ClaimResult, StoredEvent, decide

NOW = 1_800_000_000.0
CLAIM = Claim("evt_1", "payment.succeeded", "token-a", object_id="pi_1", created=NOW)


@pytest.mark.parametrize(
    ("stored", "newest", "expected"),
    [
        (None, None, ClaimResult("run")),
        (None, NOW, ClaimResult("run")),
        (None, NOW + 1, ClaimResult("stale")),
        (StoredEvent(False, NOW), None, ClaimResult("run")),
        (StoredEvent(False, NOW, ("pay",)), None, ClaimResult("run", finished=("pay",))),
        (StoredEvent(False, NOW, ("pay",)), NOW + 1, ClaimResult("stale")),
        (StoredEvent(False, NOW + 9), None, ClaimResult("busy", retry_after=9)),
        (StoredEvent(False, NOW + 9), NOW + 1, ClaimResult("busy", retry_after=9)),
        (StoredEvent(True, 0.0), None, ClaimResult("duplicate")),
        (StoredEvent(True, NOW + 9), NOW + 1, ClaimResult("duplicate")),
    ],
)
def test_the_rule(stored: StoredEvent | None, newest: float | None, expected: ClaimResult) -> None:
    assert decide(CLAIM, stored, newest, NOW) == expected
