"""What an asking for an API key came to: the key, or why the call cannot go on; and nothing that others raised."""

from __future__ import annotations

import pytest

from molam_sdk import ConfigurationError
from molam_sdk._aside import Aside
from molam_sdk._core.key_answer import authorization_of
from molam_sdk._core.wire import Failure, NoReply


class TimeIsUp(Exception):  # noqa: N818 - as celery's SoftTimeLimitExceeded
    """Raised from outside into whoever waits."""


class Torn(Aside[str]):
    """Whoever takes its answer is interrupted."""

    def result(self) -> str:
        raise TimeIsUp


def asked(aside: Aside[str]) -> Aside[str]:
    aside.run()
    return aside


def failing() -> str:
    raise RuntimeError("no vault")


def test_a_key_that_came_is_taken() -> None:
    assert authorization_of(asked(Aside(lambda: "Bearer sk")), {}, None, in_time=True) == "Bearer sk"


def test_a_source_that_raised_is_named_and_is_the_cause() -> None:
    error = authorization_of(asked(Aside(failing)), {}, None, in_time=True)
    assert isinstance(error, ConfigurationError)
    assert (error.message, type(error.__cause__)) == ("no API key: its source raised RuntimeError", RuntimeError)


def test_what_interrupts_the_call_is_no_fault_of_its_source() -> None:
    with pytest.raises(TimeIsUp):
        authorization_of(asked(Torn(lambda: "Bearer sk")), {}, None, in_time=True)


def test_one_that_did_not_come_in_time_is_no_time_left() -> None:
    late = authorization_of(Aside(failing), {}, None, in_time=False)
    assert isinstance(late, NoReply)
    assert late.failure is Failure.NO_TIME
