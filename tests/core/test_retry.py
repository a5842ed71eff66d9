"""When the next attempt begins, whether it may, and what an outage may cost."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timezone
from email.utils import format_datetime

import pytest

from molam_sdk._core.retry import RetryBudget, RetryPolicy, parse_retry_after

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp()


def _top(low: float, high: float) -> float:
    return high


def _bottom(low: float, high: float) -> float:
    return low


@pytest.mark.parametrize(("retries", "ceiling"), [(0, 0.3), (1, 0.6), (2, 1.2), (4, 4.8), (5, 8.0), (9999, 8.0)])
def test_the_ceiling_doubles_up_to_eight_seconds(retries: int, ceiling: float) -> None:
    assert RetryPolicy(jitter=_top).pause(retries, None) == pytest.approx(ceiling)


def test_the_jitter_is_full() -> None:
    assert RetryPolicy(jitter=_bottom).pause(5, None) == 0.0
    pauses = {RetryPolicy().pause(3, None) for _ in range(50)}
    assert len(pauses) == 50
    assert all(0 <= pause <= 2.4 for pause in pauses)


@pytest.mark.parametrize(("retry_after", "pause"), [(None, 0.3), (0.0, 0.3), (0.2, 0.5), (5.0, 5.3)])
def test_a_retry_after_comes_before_the_jitter(retry_after: float | None, pause: float) -> None:
    assert RetryPolicy(jitter=_top).pause(0, retry_after) == pytest.approx(pause)
    assert RetryPolicy(jitter=_bottom).pause(0, retry_after) == (retry_after or 0.0)


def test_sixty_that_were_told_the_same_do_not_come_back_together() -> None:
    pauses = sorted(RetryPolicy().pause(0, 7.0) for _ in range(60))
    assert 7.0 <= pauses[0] < pauses[-1] <= 7.3
    assert len(set(pauses)) == 60
    assert pauses[-1] - pauses[0] > 0.1


@pytest.mark.parametrize(("left", "pause"), [(100.0, 7.3), (7.4, 7.2), (7.0, 7.0), (3.0, 7.0)])
def test_the_jitter_of_a_retry_after_leaves_time_for_an_attempt(left: float, pause: float) -> None:
    assert RetryPolicy(jitter=_top).pause(0, 7.0, left) == pytest.approx(pause)


@pytest.mark.parametrize(
    ("pause", "retry_after", "time_left", "worth"),
    [
        (1.0, None, 1.1, True),
        (1.0, None, 1.0, False),
        (30.0, 30.0, 60.0, True),
        (30.1, 30.1, 60.0, False),
        (8.0, None, 60.0, True),
        (0.0, None, 0.0, False),
        (float("inf"), float("inf"), 60.0, False),
    ],
)
def test_a_pause_begins_only_if_it_fits(pause: float, retry_after: float | None, time_left: float, worth: bool) -> None:
    assert RetryPolicy().worth_waiting(pause, retry_after, time_left) is worth


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("+3", 3.0),
        ("9" * 400, float("inf")),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("1e3", None),
        ("٣", None),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 00:00:30", 30.0),
        ("Thu, 01 Jan 2026 01:00:30 +0100", 30.0),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0.0),
        ("Wed, 99 Dec 2025 23:59:00 GMT", None),
        ("Thu, 01 Jan 99999999 00:00:00 GMT", None),
    ],
)
def test_retry_after_in_every_form(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="a time zone cannot be set in the process here")
def test_a_date_without_a_zone_is_no_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC-5")
        time.tzset()
        found = parse_retry_after("Thu, 01 Jan 2026 00:00:30", NOW), parse_retry_after("Thu Jan  1 00:00:30 2026", NOW)
    time.tzset()
    assert found == (30.0, 30.0)


def test_a_date_as_python_writes_it_is_read() -> None:
    date = format_datetime(datetime.fromtimestamp(NOW + 9, timezone.utc), usegmt=True)
    assert parse_retry_after(date, NOW) == 9.0


def test_a_budget_pays_for_retries_until_it_is_empty() -> None:
    budget = RetryBudget(12)
    assert [budget.take(5), budget.take(5), budget.take(5), budget.take(2)] == [True, True, False, True]
    assert budget.tokens == 0


def test_a_success_gives_one_token_back_up_to_the_capacity() -> None:
    budget = RetryBudget(5)
    budget.give_back()
    assert budget.tokens == 5
    budget.take(5)
    budget.give_back()
    budget.give_back()
    assert budget.tokens == 2


def test_the_default_capacity_is_that_of_the_policy() -> None:
    assert RetryBudget().tokens == 500


def test_threads_never_take_more_than_there_is() -> None:
    budget, taken = RetryBudget(1000), []
    threads = [threading.Thread(target=lambda: taken.extend(budget.take(1) for _ in range(500))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(taken), budget.tokens) == (1000, 0)


def test_a_child_process_does_not_wait_for_a_lock_of_its_parent() -> None:
    budget = RetryBudget(10)
    budget._lock.acquire()
    budget.after_fork()
    assert budget.take(1)
