"""How long an open breaker refuses: by the monotonic clock, whatever its storage notes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from molam_sdk._breaker.breaker import Breaker, Passage
from molam_sdk._core.wire import Failure
from molam_sdk.cb import create_circuit_breaker
from molam_sdk.testing import ScriptedTransport
from tests.support.breaker import Clock, call, guarded, opened, waits
from tests.support.script import OK


def test_storage_that_gives_a_naive_time_is_read_as_utc() -> None:
    client = guarded(ScriptedTransport())
    client.cb.open()
    storage = client.cb._state_storage
    assert storage.opened_at is not None
    storage.opened_at = storage.opened_at.replace(tzinfo=None)
    assert call(client) == ["CircuitOpenError"]
    storage.opened_at = None  # type: ignore[assignment]  # a storage that has forgotten


def test_an_open_breaker_without_a_time_lets_a_probe_through() -> None:
    client = guarded(ScriptedTransport(OK))
    client.cb.open()
    client.cb._state_storage._opened_at = None
    assert call(client) == ["ok"]


def test_an_hour_back_of_the_wall_clock_adds_no_second() -> None:
    clock = Clock()
    breaker = opened(clock)
    storage = breaker.cb._state_storage
    assert storage.opened_at is not None
    storage.opened_at += timedelta(hours=1)  # as it looks once the clock has been set back
    assert waits(breaker) == 1.0
    clock.now += 0.75
    assert waits(breaker) == 0.25
    clock.now += 0.25
    assert waits(breaker) is None


def test_the_wait_is_counted_by_the_monotonic_clock_alone() -> None:
    clock = Clock()
    breaker = opened(clock, reset_timeout=60.0)
    assert waits(breaker) == pytest.approx(60, abs=1)
    clock.now += 59
    assert waits(breaker) == pytest.approx(1, abs=1)
    clock.now += 1
    assert waits(breaker) is None


def test_each_opening_is_waited_for_anew() -> None:
    clock = Clock()
    breaker = opened(clock, reset_timeout=60.0)
    assert waits(breaker) is not None
    clock.now += 61
    breaker.cb.open()
    assert waits(breaker) == pytest.approx(60, abs=1)


def test_a_later_attempt_of_an_admitted_call_is_refused_while_it_is_open() -> None:
    breaker = Breaker(create_circuit_breaker())
    gate = Passage(breaker)
    assert gate.admit(again=False) is None
    breaker.cb.open()
    refused = gate.admit(again=True)
    assert refused is not None
    assert refused.failure is Failure.CIRCUIT_OPEN
