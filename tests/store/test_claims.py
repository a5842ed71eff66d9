"""The rule of every store, row by row."""

from __future__ import annotations

import pytest

from molam_sdk.store import Claim, ClaimResult, StoredEvent, decide
from molam_sdk.store.claims import PATIENCE_SECONDS, SameObject, is_late, overtaken

NOW = 1_800_000_000.0
CLAIM = Claim("evt_1", "payment.succeeded", "token-a", object_id="pi_1", created=NOW)
LONG_AGO = NOW - PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("stored", "others", "expected"),
    [
        (None, None, ClaimResult("run")),
        (None, NOW, ClaimResult("run", newest=NOW)),
        (None, NOW + 1, ClaimResult("run", newest=NOW + 1)),
        (None, SameObject(newest=NOW + 1), ClaimResult("run", newest=NOW + 1)),
        (None, SameObject(leased_until=NOW + 9), ClaimResult("busy", retry_after=9)),
        (None, SameObject(leased_until=NOW), ClaimResult("run")),
        (None, SameObject(waiting_since=NOW), ClaimResult("busy", retry_after=60)),
        (None, SameObject(waiting_since=LONG_AGO + 7), ClaimResult("busy", retry_after=7)),
        (None, SameObject(waiting_since=LONG_AGO), ClaimResult("run")),
        (StoredEvent(False, NOW), None, ClaimResult("run")),
        (StoredEvent(False, NOW, ("pay",)), None, ClaimResult("run", finished=("pay",))),
        (StoredEvent(False, NOW, ("pay",)), NOW + 1, ClaimResult("run", finished=("pay",), newest=NOW + 1)),
        (StoredEvent(False, NOW, ("pay",)), SameObject(leased_until=NOW + 9), ClaimResult("busy", retry_after=9)),
        (StoredEvent(False, NOW + 9), None, ClaimResult("busy", retry_after=9)),
        (StoredEvent(False, NOW + 9), NOW + 1, ClaimResult("busy", retry_after=9)),
        (StoredEvent(True, 0.0), None, ClaimResult("duplicate")),
        (StoredEvent(True, NOW + 9), SameObject(NOW + 1, NOW + 9, NOW), ClaimResult("duplicate")),
    ],
)
def test_the_rule(stored: StoredEvent | None, others: SameObject | float | None, expected: ClaimResult) -> None:
    assert decide(CLAIM, stored, others, NOW) == expected


@pytest.mark.parametrize(
    ("newest", "seen", "late", "is_overtaken"),
    [
        (None, None, False, False),
        (NOW, None, False, False),
        (NOW - 1, None, False, False),
        (NOW + 1, None, True, True),
        (NOW + 1, NOW + 1, True, False),
        (NOW + 2, NOW + 1, True, True),
    ],
)
def test_an_event_is_overtaken_by_a_newer_one_that_its_claim_did_not_know(
    newest: float | None, seen: float | None, late: bool, is_overtaken: bool
) -> None:
    claim = Claim("evt_1", "payment.succeeded", "token-a", "pi_1", NOW, seen)
    assert (is_late(claim, newest), overtaken(claim, newest)) == (late, is_overtaken)
