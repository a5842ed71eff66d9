"""Claiming in a table while others do: what was seen may have changed by the time it is taken."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest

from molam_sdk.store import Claim, ClaimResult
from molam_sdk.store.rows import EventRow, RowStore

NOW = 1_800_000_000.0
LEASE = NOW + 60
CLAIM = Claim("evt_1", "payment.succeeded", "token-a")
LEFT_BEHIND = EventRow("token-b", False, NOW, "pay\nmail")
LEASED = EventRow("token-b", False, NOW + 20, "")
DONE = EventRow("token-b", True, NOW, "")


class Raced(RowStore):
    """A table that shows one row after the other; another worker is always faster."""

    def __init__(self, *shown: EventRow | None) -> None:
        self._shown = list(shown)
        self.tried: list[str] = []

    def done(self, claim: Claim, now: float) -> bool:
        return False

    def prune(self, before: float) -> int:
        return 0

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _read_row(self, claim: Claim) -> tuple[EventRow | None, float | None]:
        return self._shown.pop(0), None

    def _insert_row(self, claim: Claim, now: float, lease_until: float) -> bool:
        self.tried.append("insert")
        return False

    def _take_over_row(self, claim: Claim, now: float, lease_until: float, token: str) -> bool:
        self.tried.append(f"take over from {token}")
        return False

    def _renew_row(self, claim: Claim, lease_until: float, finished: str) -> bool:
        return False


@pytest.mark.parametrize(
    ("first", "then", "tried", "expected"),
    [
        (None, LEASED, "insert", ClaimResult("busy", retry_after=20.0)),
        (None, DONE, "insert", ClaimResult("duplicate")),
        (None, LEFT_BEHIND, "insert", ClaimResult("busy", retry_after=1.0)),
        (LEFT_BEHIND, LEASED, "take over from token-b", ClaimResult("busy", retry_after=20.0)),
        (LEFT_BEHIND, DONE, "take over from token-b", ClaimResult("duplicate")),
        (LEFT_BEHIND, None, "take over from token-b", ClaimResult("busy", retry_after=1.0)),
    ],
)
def test_whoever_was_slower_is_told_how_it_stands_now(
    first: EventRow | None, then: EventRow | None, tried: str, expected: ClaimResult
) -> None:
    table = Raced(first, then)
    assert table.claim(CLAIM, NOW, LEASE) == expected
    assert table.tried == [tried]


@pytest.mark.parametrize(("row", "decision"), [(LEASED, "busy"), (DONE, "duplicate")])
def test_what_is_not_free_is_not_touched(row: EventRow, decision: str) -> None:
    table = Raced(row)
    assert table.claim(CLAIM, NOW, LEASE).decision == decision
    assert table.tried == []
