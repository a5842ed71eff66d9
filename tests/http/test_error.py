"""What the core is told of an exchange that failed."""

from __future__ import annotations

import pytest

from molam_sdk._core.wire import Failure, Headers
from molam_sdk._http.error import NoReplyError


def test_all_that_is_known_is_told() -> None:
    error = NoReplyError(Failure.INCOMPLETE, "cut")
    error.status, error.headers = 503, Headers([("retry-after", "7"), ("X", "y")])
    error.__cause__ = cause = OSError("gone")
    told = error.no_reply()
    assert (told.failure, told.detail, told.cause, told.status) == (Failure.INCOMPLETE, "cut", cause, 503)
    assert (dict(told.headers or {}), told.retry_after) == ({"retry-after": "7", "X": "y"}, 7.0)


@pytest.mark.parametrize("headers", [None, Headers(), Headers([("Retry-After", "soon")])])
def test_without_a_head_nothing_is_said_of_when_to_come_again(headers: Headers | None) -> None:
    error = NoReplyError(Failure.RESET, "reset")
    error.headers = headers
    told = error.no_reply()
    assert (told.cause, told.status, told.headers, told.retry_after) == (None, None, headers, None)
