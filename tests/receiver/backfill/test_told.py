"""What the command line takes for a time, and what it says of a backfill."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from molam_sdk._duration import duration_of
from molam_sdk.receiver.backfill import BackfillProgress
from molam_sdk.receiver.backfill.told import Narrator, advice_of, how_far, since_of


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("24h", timedelta(hours=24)),
        (" 7d ", timedelta(days=7)),
        ("90m", timedelta(minutes=90)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=timezone.utc)),
        ("2026-11-20T08:00:00Z", datetime(2026, 11, 20, 8, tzinfo=timezone.utc)),
        ("2026-11-20T08:00:00+02:00", datetime(2026, 11, 20, 6, tzinfo=timezone.utc)),
    ],
)
def test_a_time_may_be_said_in_two_ways(text: str, since: Any) -> None:
    assert since_of(text) == since


@pytest.mark.parametrize("text", ["", "24", "h", "yesterday", "-1h", "24 h"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="24h"):
        since_of(text)
    with pytest.raises(ValueError, match="24h"):
        duration_of(text)


def test_what_was_not_run_has_an_advice() -> None:
    progress = BackfillProgress("end", 4, {"handled": 1, "failed": 1, "busy": 1, "unremembered": 1})
    assert how_far(progress) == "4 objects looked at: 1 busy, 1 failed, 1 handled, 1 unremembered"
    assert [line.partition(" ")[0] for line in advice_of(progress)] == ["2", "1"]
    assert advice_of(BackfillProgress("end", 4, {"handled": 4})) == []


def test_who_breaks_off_is_told_how_to_go_on() -> None:
    said: list[str] = []
    tell = Narrator(said.append)
    assert tell.broke_off() == "stopped before anything was run"
    tell(BackfillProgress("payments:pi_1", 1, {}))
    assert said == []
    assert tell.broke_off() == "stopped: --resume payments:pi_1 goes on from here"
    tell._next = 0.0
    tell(BackfillProgress("payments:pi_2", 2, {"handled": 2}))
    assert said == ["2 objects looked at: 2 handled (--resume payments:pi_2)"]
