"""What a merchant does with breakers: make one, see those that are shared, close them all."""

from __future__ import annotations

import pybreaker
import pytest

from molam_sdk.cb import breakers, create_circuit_breaker, reset_all
from molam_sdk.testing import ScriptedTransport
from tests.support.breaker import guarded


def test_a_plain_breaker_behaves_as_pybreaker() -> None:
    breaker = create_circuit_breaker("mine", fail_max=2, reset_timeout=7)
    assert (breaker.name, breaker.fail_max, breaker.reset_timeout) == ("mine", 2, 7)
    with pytest.raises(ZeroDivisionError):
        breaker.call(lambda: 1 / 0)
    with pytest.raises(pybreaker.CircuitBreakerError):
        breaker.call(lambda: 1 / 0)


def test_the_breakers_of_clients_are_seen_and_closed() -> None:
    assert breakers() == ()
    guarded(ScriptedTransport(), cb_name="payouts").cb.open()
    (payouts,) = breakers()
    assert (payouts.name, payouts.base_url, payouts.cb.current_state) == ("payouts", "https://api.molam.io", "open")
    reset_all()
    assert payouts.cb.current_state == "closed"
