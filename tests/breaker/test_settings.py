"""Whose settings a shared breaker has, and which no breaker can have."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from molam_sdk import ConfigurationError
from molam_sdk.cb import breakers, create_circuit_breaker
from molam_sdk.testing import ScriptedTransport
from tests.support.breaker import guarded


def test_the_first_settings_stay_and_others_are_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "molam_sdk"):
        first = guarded(ScriptedTransport(), cb_fail_max=3, cb_half_open_probes=2)
        guarded(ScriptedTransport(), cb_fail_max=3, cb_half_open_probes=2)
        assert caplog.records == []
        for _ in range(3):
            later = guarded(ScriptedTransport(), cb_fail_max=9, cb_half_open_probes=2, cb_reset_timeout=7)
    assert later.cb is first.cb
    assert (first.cb.fail_max, first.cb.reset_timeout) == (3, 60)
    (told,) = caplog.messages
    assert "'molam_api_cb'" in told
    assert "those of the first stay (cb_fail_max=3, cb_reset_timeout=60)" in told
    assert "do not count (cb_fail_max=9, cb_reset_timeout=7)" in told


def test_of_a_breaker_that_was_given_only_what_it_does_not_say_itself_can_differ(
    caplog: pytest.LogCaptureFixture,
) -> None:
    own = create_circuit_breaker("own", fail_max=2)
    guarded(ScriptedTransport(), cb=own, cb_fail_max=7)
    guarded(ScriptedTransport(), cb=own, cb_fail_max=8)
    assert caplog.messages == []
    guarded(ScriptedTransport(), cb=own, cb_half_open_probes=4)
    assert "(cb_half_open_probes=1), those of a later one do not count (cb_half_open_probes=4)" in caplog.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cb_fail_max": 0}, "cb_fail_max must be a whole number from 1 on, not 0"),
        ({"cb_success_threshold": "2"}, "cb_success_threshold must be a whole number from 1 on, not '2'"),
        ({"cb_half_open_probes": True}, "cb_half_open_probes must be"),
        ({"cb_reset_timeout": float("nan")}, "cb_reset_timeout must be a number of seconds from 0 on"),
        ({"cb_failure_rate": 0.5}, "cb_failure_rate must be a FailureRate, not 0.5"),
        ({"cb_name": ""}, "cb_name must be a name"),
        ({"cb_name": None}, "cb_name must be a name"),
    ],
)
def test_settings_that_no_breaker_can_have_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        guarded(ScriptedTransport(), **wrong)
    assert breakers() == ()
