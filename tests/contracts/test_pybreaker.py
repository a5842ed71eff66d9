"""What the breaker relies on inside pybreaker: each test is one promise, its message says which one broke."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import pybreaker
import pytest


@pytest.fixture
def cb() -> pybreaker.CircuitBreaker:
    return pybreaker.CircuitBreaker(fail_max=2, reset_timeout=7)


def fail() -> None:
    raise OSError("down")


def test_its_lock_is_an_rlock_called_lock(cb: pybreaker.CircuitBreaker) -> None:
    assert isinstance(cb._lock, type(threading.RLock())), "after a fork Breaker.after_fork replaces cb._lock"


def test_every_change_takes_the_lock_that_a_fork_renews(cb: pybreaker.CircuitBreaker) -> None:
    class Lock:
        taken = 0

        def __enter__(self) -> None:
            Lock.taken += 1

        def __exit__(self, *_: object) -> None:
            pass

    cb._lock = Lock()  # type: ignore[assignment]  # as after_fork does, but countable
    for change in (cb.open, cb.half_open, cb.close, lambda: cb.call(int)):
        before = Lock.taken
        change()
        assert Lock.taken > before, "a change without cb._lock would not be safe after a fork"


def test_its_storage_says_when_it_opened(cb: pybreaker.CircuitBreaker) -> None:
    assert cb._state_storage.opened_at is None, "no opening yet: Breaker._wait takes None for no wait"
    cb.open()
    opened_at = cb._state_storage.opened_at
    assert isinstance(opened_at, datetime), "Breaker._wait reads cb._state_storage.opened_at as a datetime"
    assert opened_at.tzinfo is not None, "Breaker._wait takes a time without a zone for UTC"
    assert abs(datetime.now(timezone.utc) - opened_at) < timedelta(minutes=1)


def test_the_state_is_read_without_the_lock(cb: pybreaker.CircuitBreaker) -> None:
    seen: list[object] = []
    with cb._lock:
        thread = threading.Thread(target=lambda: seen.extend((cb.current_state, cb.fail_counter)), daemon=True)
        thread.start()
        thread.join(timeout=10)
    assert seen == ["closed", 0], "the quiet path asks current_state and fail_counter without waiting"


def test_the_states_have_the_names_that_metrics_and_logs_use() -> None:
    names = (pybreaker.STATE_CLOSED, pybreaker.STATE_HALF_OPEN, pybreaker.STATE_OPEN)
    assert names == ("closed", "half-open", "open")


def test_a_failure_is_counted_and_the_last_one_opens_it(cb: pybreaker.CircuitBreaker) -> None:
    with pytest.raises(OSError, match="down"):
        cb.call(fail)
    assert (cb.fail_counter, cb.current_state) == (1, "closed")
    with pytest.raises(pybreaker.CircuitBreakerError):
        cb.call(fail)
    assert cb.current_state == "open", "Breaker._count swallows the CircuitBreakerError of the call that trips it"


def test_a_success_forgets_the_failures(cb: pybreaker.CircuitBreaker) -> None:
    with pytest.raises(OSError, match="down"):
        cb.call(fail)
    cb.call(int)
    assert cb.fail_counter == 0, "the quiet path leaves out a success only where nothing is counted"


@pytest.mark.parametrize(("end", "state"), [(int, "closed"), (fail, "open")])
def test_while_half_open_one_end_decides(cb: pybreaker.CircuitBreaker, end: Any, state: str) -> None:
    cb.half_open()
    with contextlib.suppress(OSError, pybreaker.CircuitBreakerError):
        cb.call(end)
    assert cb.current_state == state


def test_listeners_are_told_of_changes_with_both_states(cb: pybreaker.CircuitBreaker) -> None:
    class Listener(pybreaker.CircuitBreakerListener):
        def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
            changes.append((old_state.name, new_state.name))

    changes: list[tuple[str, str]] = []
    cb.add_listener(Listener())
    cb.open()
    cb.half_open()
    cb.close()
    assert changes == [("closed", "open"), ("open", "half-open"), ("half-open", "closed")]
    assert [type(listener) for listener in cb.listeners] == [Listener], (
        "watch_breaker looks itself up among cb.listeners"
    )


def test_a_listener_hears_of_calls_by_these_methods() -> None:
    heard = {name for name in vars(pybreaker.CircuitBreakerListener) if not name.startswith("_")}
    assert heard == {"before_call", "success", "failure", "state_change"}, "the quiet path asks for the first two"
