"""A failure rate trips the breaker where no count of outages in a row would."""

from __future__ import annotations

from typing import Any

import pybreaker
import pytest

from molam_sdk import ServerError
from molam_sdk._breaker.breaker import Breaker, Passage
from molam_sdk.cb import FailureRate, create_circuit_breaker
from molam_sdk.testing import ScriptedTransport
from tests.support.breaker import Clock, call, guarded
from tests.support.script import OK, error_reply


def test_a_failure_rate_opens_it_where_a_count_never_would() -> None:
    pattern = [*[error_reply(503)] * 4, OK]
    without = guarded(ScriptedTransport(*pattern * 10))
    call(without, 50)
    assert without.cb.current_state == pybreaker.STATE_CLOSED
    rate = FailureRate(0.5, minimum_calls=20)
    client = guarded(ScriptedTransport(*pattern * 10), cb_name="by rate", cb_failure_rate=rate)
    assert call(client, 21)[-1] == "CircuitOpenError"


def test_a_failure_rate_waits_for_its_minimum_of_calls() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503), OK] * 9), cb_failure_rate=FailureRate(0.5, minimum_calls=19))
    call(client, 18)
    assert client.cb.current_state == pybreaker.STATE_CLOSED


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"rate": 1.1}, {"rate": 0.5, "minimum_calls": 0}, {"rate": 0.5, "seconds": 0}]
)
def test_a_failure_rate_that_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="FailureRate"):
        FailureRate(**wrong)


def rated(clock: Clock, **rule: Any) -> Breaker:
    return Breaker(create_circuit_breaker(fail_max=1000), failure_rate=FailureRate(**rule), clock=clock)


def end_calls(breaker: Breaker, outages: int, successes: int = 0) -> str:
    for outage in [True] * outages + [False] * successes:
        gate = Passage(breaker)
        assert gate.admit(again=False) is None
        gate.leave(outage, ServerError(503) if outage else None)
    return str(breaker.cb.current_state)


@pytest.mark.parametrize(("pause", "state"), [(59.9, "open"), (60.0, "closed"), (3600.0, "closed")])
def test_a_failure_rate_forgets_what_is_older_than_its_window(pause: float, state: str) -> None:
    clock = Clock()
    breaker = rated(clock, rate=0.5, minimum_calls=10, seconds=60.0)
    assert end_calls(breaker, 9) == "closed"
    clock.now += pause
    assert end_calls(breaker, 1) == state


def test_a_window_forgets_a_tenth_at_a_time() -> None:
    clock = Clock()
    breaker = rated(clock, rate=0.5, minimum_calls=10, seconds=60.0)
    for _ in range(9):
        end_calls(breaker, 1)
        clock.now += 6.0
    clock.now += 6.0  # the first is now a whole window old, the others are not
    assert end_calls(breaker, 1) == "closed"
    assert end_calls(breaker, 1) == "open"


def test_successes_count_against_a_failure_rate() -> None:
    assert end_calls(rated(Clock(), rate=0.5, minimum_calls=4), 2, 1) == "closed"
    assert end_calls(rated(Clock(), rate=0.5, minimum_calls=4), 2, 2) == "open"
    assert end_calls(rated(Clock(), rate=0.5, minimum_calls=5), 2, 3) == "closed"


def test_a_window_takes_no_more_memory_however_many_calls_there_are() -> None:
    clock = Clock()
    breaker = rated(clock, rate=1.0, minimum_calls=10**9, seconds=60.0)
    for _ in range(1000):
        end_calls(breaker, 0, 1)
        clock.now += 0.5
    assert breaker._window is not None
    assert len(breaker._window._buckets) <= 10
