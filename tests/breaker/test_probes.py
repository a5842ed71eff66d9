"""The half-open breaker: how many calls may probe, and what their ends decide."""

from __future__ import annotations

import threading
import time

import pybreaker
import pytest

from molam_sdk import CircuitOpenError
from molam_sdk._breaker.breaker import Breaker, Passage
from molam_sdk.cb import create_circuit_breaker
from molam_sdk.testing import ScriptedTransport
from tests.support.breaker import Waiting, call, guarded, let_time_pass, waits
from tests.support.script import OK, error_reply


def test_after_the_reset_timeout_a_success_closes_it() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503)] * 5, OK, OK))
    call(client, 5)
    let_time_pass(client, 61)
    assert call(client, 2) == ["ok", "ok"]
    assert client.cb.current_state == pybreaker.STATE_CLOSED


def test_after_the_reset_timeout_an_outage_opens_it_again() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503)] * 6))
    call(client, 5)
    let_time_pass(client, 61)
    assert call(client, 2) == ["ServerError", "CircuitOpenError"]


def test_a_decline_while_half_open_closes_it() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503)] * 5, error_reply(402)))
    call(client, 5)
    let_time_pass(client, 61)
    call(client)
    assert client.cb.current_state == pybreaker.STATE_CLOSED


def test_the_success_threshold_counts() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503)] * 5, OK, OK), cb_success_threshold=2)
    call(client, 5)
    let_time_pass(client, 61)
    call(client)
    assert client.cb.current_state == pybreaker.STATE_HALF_OPEN
    call(client)
    assert client.cb.current_state == pybreaker.STATE_CLOSED


@pytest.mark.parametrize("probes", [1, 3])
def test_half_open_admits_a_bounded_number_of_probes(probes: int) -> None:
    waiting = Waiting()
    client = guarded(waiting, cb_half_open_probes=probes)
    client.cb.open()
    let_time_pass(client, 61)
    ends: list[str] = []
    threads = [threading.Thread(target=lambda: ends.extend(call(client))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for _ in range(probes):
        assert waiting.sent.acquire(timeout=10)
    while len(ends) < 16 - probes:
        time.sleep(0.001)
    waiting.go.set()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["CircuitOpenError"] * (16 - probes) + ["ok"] * probes


def test_a_refused_probe_says_when_to_come_back() -> None:
    waiting = Waiting()
    client = guarded(waiting)
    client.cb.half_open()
    thread = threading.Thread(target=call, args=(client,))
    thread.start()
    assert waiting.sent.acquire(timeout=10)
    with pytest.raises(CircuitOpenError) as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert caught.value.retry_after == 1.0
    waiting.go.set()
    thread.join()


def test_a_straggler_decides_nothing_while_it_is_half_open() -> None:
    waiting = Waiting(error_reply(503))
    client = guarded(waiting)
    thread = threading.Thread(target=call, args=(client,))
    thread.start()
    assert waiting.sent.acquire(timeout=10)
    client.cb.half_open()
    waiting.go.set()
    thread.join()
    assert client.cb.current_state == pybreaker.STATE_HALF_OPEN


def test_an_interrupted_probe_makes_room_for_another() -> None:
    client = guarded(ScriptedTransport(KeyboardInterrupt(), OK))
    client.cb.half_open()
    with pytest.raises(KeyboardInterrupt):
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert call(client) == ["ok"]


def test_a_probe_may_go_on_whatever_the_breaker_says() -> None:
    breaker = Breaker(create_circuit_breaker())
    breaker.cb.half_open()
    probe = Passage(breaker)
    assert probe.admit(again=False) is None
    breaker.cb.open()
    assert probe.admit(again=True) is None


def test_a_probe_that_is_lost_makes_room_for_another() -> None:
    breaker = Breaker(create_circuit_breaker())
    breaker.cb.half_open()
    lost = Passage(breaker)
    assert lost.admit(again=False) is None
    assert waits(breaker) == 1.0
    del lost  # torn apart before it could say that it ended
    assert waits(breaker) is None


def test_the_probes_of_a_parent_are_not_the_childs() -> None:
    breaker = Breaker(create_circuit_breaker())
    breaker.cb.half_open()
    of_the_parent = Passage(breaker)
    assert of_the_parent.admit(again=False) is None
    breaker.after_fork()
    assert waits(breaker) is None
