"""One secret that is kept: when its source is asked, by whom, and what counts while it fails or hangs."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from molam_sdk._aside import Aside
from molam_sdk._service_token import TokenLife
from molam_sdk.secrets import kept as room
from molam_sdk.secrets.keeping import LOCAL, Keeping
from molam_sdk.secrets.kept import KeptSecret
from molam_sdk.secrets.tally import TALLY

KEEPING = Keeping(ttl_seconds=100, stale_for=1000, absent_for=5)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Source:
    """Answers with ``answer``, or raises it; where ``gate`` is closed, it waits there first."""

    def __init__(self, answer: Any = "a") -> None:
        self.answer = answer
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def __call__(self, before: Any) -> Any:
        answer = self.answer
        self.asked += 1
        self.entered.release()
        assert self.gate.wait(30)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source() -> Iterator[Source]:
    made = Source()
    yield made
    made.gate.set()


@pytest.fixture
def secret(source: Source, clock: Clock) -> KeptSecret[Any]:
    return KeptSecret("test", source, KEEPING, clock=clock)


def done(flight: Aside[Any]) -> Any:
    assert flight.wait(30)
    return flight.result()


def settled(secret: KeptSecret[Any]) -> None:
    """Wait for the asking that is under way."""
    assert secret._flight is not None
    assert secret._flight.wait(30)


def test_nothing_is_known_before_the_first_answer(secret: KeptSecret[Any], source: Source) -> None:
    assert (secret.peek(), secret.last(), secret.age()) == (None, None, None)
    assert done(secret.renew()) == secret.peek() == secret.get() == "a"
    assert source.asked == 1


def test_it_is_renewed_in_the_background_before_its_time_is_over(
    secret: KeptSecret[Any], source: Source, clock: Clock
) -> None:
    secret.get()
    source.answer, clock.seconds = "b", 69.9
    assert (secret.get(), secret.peek(), source.asked) == ("a", "a", 1)
    source.gate.clear()
    clock.seconds = 80
    assert (secret.get(), secret.peek()) == ("a", "a")  # nobody waits
    source.gate.set()
    settled(secret)
    assert (secret.get(), source.asked) == ("b", 2)


def test_processes_do_not_all_ask_at_once(clock: Clock, source: Source) -> None:
    secrets = [KeptSecret("test", source, KEEPING, clock=clock) for _ in range(50)]
    for secret in secrets:
        secret.get()
    times = {secret._known.renew_at for secret in secrets if secret._known is not None}
    assert len(times) == 50
    assert 70 <= min(times) <= max(times) <= 80


def test_one_whose_time_is_over_is_waited_for(secret: KeptSecret[Any], source: Source, clock: Clock) -> None:
    secret.get()
    source.answer, clock.seconds = "b", 100
    assert secret.get() == "b"


def test_whoever_does_not_wait_gets_the_last_one_and_has_it_renewed(
    secret: KeptSecret[Any], source: Source, clock: Clock
) -> None:
    secret.get()
    source.answer, clock.seconds = "b", 1099
    assert secret.peek() == "a"
    settled(secret)
    assert secret.peek() == "b"


def test_a_source_that_fails_leaves_the_last_good_answer(
    secret: KeptSecret[Any], source: Source, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    secret.get()
    source.answer, clock.seconds = OSError("down: whsec_leak"), 100
    with caplog.at_level(logging.INFO, "molam_sdk"):
        assert [secret.get() for _ in range(5)] == ["a"] * 5
        assert source.asked == 2  # after a pause again, not each time
        clock.seconds = 110
        assert secret.get() == "a"
        settled(secret)
        assert source.asked == 3
        source.answer, clock.seconds = "b", 120
        secret.get()
        settled(secret)
        assert secret.get() == "b"
    assert [record.message for record in caplog.records] == [
        "a secret source failed source=test error=OSError",
        "a secret source answers again source=test",
    ]
    assert caplog.records[0].__dict__["source"] == "test"
    assert "leak" not in caplog.text


def test_the_last_good_answer_is_used_for_a_bounded_time(secret: KeptSecret[Any], source: Source, clock: Clock) -> None:
    secret.get()
    source.answer, clock.seconds = OSError("down"), 1099
    assert secret.get() == "a"
    clock.seconds = 1100
    assert secret.peek() is None
    with pytest.raises(OSError, match="down"):
        secret.get()


def test_a_source_that_hangs_keeps_nobody_waiting_for_long(
    secret: KeptSecret[Any], source: Source, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_PATIENCE", 0.3)
    secret.get()
    source.gate.clear()
    clock.seconds = 100
    began = time.monotonic()
    assert [secret.get() for _ in range(100)] == ["a"] * 100
    assert time.monotonic() - began < 10  # the first of them waited, not each
    assert source.asked == 2


def test_one_that_was_given_up_is_asked_anew_and_its_late_answer_ignored(
    secret: KeptSecret[Any], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = TALLY.failures()["test"]
    source.gate.clear()
    late = secret.renew()
    assert source.entered.acquire(timeout=30)
    monkeypatch.setattr(room, "_GIVEN_UP_AFTER", 0.0)
    gate, source.gate, source.answer = source.gate, threading.Event(), "b"
    source.gate.set()
    newer = secret.renew()
    monkeypatch.undo()
    assert done(newer) == "b"
    gate.set()
    assert done(late) == "a"
    assert (secret.peek(), TALLY.failures()["test"] - failed) == ("b", 1)


def test_a_source_that_was_down_from_the_start_says_so_and_is_asked_again(
    secret: KeptSecret[Any], source: Source
) -> None:
    source.answer = OSError("down")
    for _ in range(2):
        with pytest.raises(OSError, match="down"):
            secret.get()
    source.answer = "a"
    assert (secret.get(), source.asked) == ("a", 3)


def test_that_there_is_none_counts_for_seconds(secret: KeptSecret[Any], source: Source, clock: Clock) -> None:
    source.answer = ()
    assert (secret.get(), secret.get(), source.asked, secret.age()) == ((), (), 1, None)
    source.answer, clock.seconds = "a", 5
    assert (secret.get(), source.asked) == ("a", 2)


def test_it_is_asked_once_for_all_threads(secret: KeptSecret[Any], source: Source) -> None:
    source.gate.clear()
    with ThreadPoolExecutor(32) as pool:
        answers = [pool.submit(secret.get) for _ in range(32)]
        assert source.entered.acquire(timeout=30)
        source.gate.set()
        assert [answer.result(30) for answer in answers] == ["a"] * 32
    assert source.asked == 1


def test_the_first_to_ask_asks_in_its_own_thread(clock: Clock) -> None:
    threads: list[threading.Thread] = []
    secret = KeptSecret("test", lambda before: threads.append(threading.current_thread()) or "a", KEEPING, clock=clock)
    secret.get()
    assert threads == [threading.current_thread()]


class TimeLimit(BaseException):
    """What another thread raises into one that waits."""


def test_one_that_is_interrupted_fails_alone(secret: KeptSecret[Any], source: Source) -> None:
    source.answer = TimeLimit()
    source.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(secret.get)
        assert source.entered.acquire(timeout=30)
        source.answer = "a"
        second = pool.submit(secret.get)
        source.gate.set()
        assert isinstance(first.exception(30), TimeLimit)
        assert second.result(30) == "a"


def test_a_refused_answer_is_replaced_once_for_all(secret: KeptSecret[Any], source: Source) -> None:
    secret.get()
    source.answer = "b"
    with ThreadPoolExecutor(32) as pool:
        flights = list(pool.map(lambda _: secret.renew("a"), range(100)))
    assert {done(flight) for flight in flights} == {"b"}
    assert source.asked == 2


def test_whoever_was_refused_does_not_take_what_was_read_before(secret: KeptSecret[Any], source: Source) -> None:
    secret.get()
    source.gate.clear()
    early = secret.renew("a")  # reads "a" again, slowly
    assert source.entered.acquire(timeout=30)
    assert source.entered.acquire(timeout=30)
    source.answer = "b"
    late = secret.renew("a")
    assert late is not early
    assert secret.renew("a") is late  # which has not begun to read
    source.gate.set()
    assert (done(early), done(late), source.asked) == ("a", "b", 3)
    assert secret._flight is late
    assert secret._flight.before is None  # which would hold all those before it


def test_whoever_was_refused_takes_none_that_is_about_to_end(source: Source, clock: Clock) -> None:
    secret = KeptSecret("test", source, KEEPING, clock=clock, life=lambda value: TokenLife(8, 10))
    secret.get()
    source.answer, clock.seconds = "b", 9
    assert done(secret.renew("refused long ago")) == "b"


def test_an_answer_that_expires_is_renewed_ahead_and_of_no_use_afterwards(source: Source, clock: Clock) -> None:
    forever = Keeping(ttl_seconds=math.inf, stale_for=math.inf)
    secret = KeptSecret("test", source, forever, clock=clock, life=lambda value: TokenLife(80, 100))
    secret.get()
    clock.seconds = 75.9
    assert (secret.peek(), source.asked) == ("a", 1)
    source.answer, clock.seconds = OSError("down"), 80
    assert secret.peek() == "a"
    settled(secret)
    clock.seconds = 99.9
    assert secret.peek() == "a"
    settled(secret)
    clock.seconds = 100
    assert secret.peek() is None
    with pytest.raises(OSError, match="down"):
        done(secret.renew())


def test_a_local_source_is_looked_at_each_time(source: Source, clock: Clock) -> None:
    secret = KeptSecret("test", source, LOCAL, clock=clock)
    assert (secret.peek(), secret.peek(), source.asked) == ("a", "a", 2)
    source.answer = "b"
    assert (secret.get(), secret.peek()) == ("b", "b")
    source.answer = OSError("gone for a moment")
    assert (secret.get(), secret.peek()) == ("b", "b")
    clock.seconds = LOCAL.stale_for
    assert secret.peek() is None
    with pytest.raises(OSError, match="gone"):
        secret.get()


def test_a_local_answer_is_as_old_as_the_last_look(source: Source, clock: Clock) -> None:
    secret = KeptSecret("test", source, LOCAL, clock=clock)
    secret.peek()
    clock.seconds = 50
    assert secret.age() == 50
    secret.peek()
    assert secret.age() == 0


def test_an_interruption_of_a_look_is_no_failure_of_the_source(source: Source, clock: Clock) -> None:
    secret = KeptSecret("test", source, LOCAL, clock=clock)
    secret.peek()
    source.answer = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        secret.peek()


def test_the_last_answer_is_given_to_the_source(clock: Clock) -> None:
    secret: KeptSecret[int] = KeptSecret("test", lambda before: (before or 0) + 1, KEEPING, clock=clock)
    assert [done(secret.renew(before)) for before in (None, 1, 2)] == [1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_waits_neither_for_a_lock_nor_for_an_asking_of_its_parent(
    secret: KeptSecret[Any], source: Source
) -> None:
    source.gate.clear()
    secret.renew()
    assert source.entered.acquire(timeout=30)
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with secret._lock:
            held.set()
            go.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    child = os.fork()
    if child == 0:
        source.gate = threading.Event()
        source.gate.set()
        os._exit(0 if secret.get() == "a" else 1)
    go.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_no_lock_is_held_while_anything_else_runs(clock: Clock) -> None:
    def asks_for_itself(before: Any) -> str:
        assert not secret._lock.locked()
        return "a"

    def looks(value: Any) -> None:
        assert not secret._lock.locked()

    secret: KeptSecret[str] = KeptSecret("test", asks_for_itself, KEEPING, clock=clock, life=looks)
    assert secret.get() == "a"


@pytest.mark.parametrize("wrong", [-1, math.nan, "60", None, True])
@pytest.mark.parametrize("name", ["ttl_seconds", "stale_for", "absent_for"])
def test_a_time_that_is_none_is_refused(name: str, wrong: Any) -> None:
    from molam_sdk import ConfigurationError

    with pytest.raises(ConfigurationError, match=f"{name} must be a number of seconds"):
        Keeping(**{name: wrong})
