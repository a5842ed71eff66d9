"""Header fields as a mapping."""

from __future__ import annotations

import pytest

from molam_sdk._core.wire import Headers

HEADERS = Headers([("X-Request-ID", "a"), ("Via", "1"), ("VIA", "2"), ("via", "3")])


def test_a_field_is_found_whatever_its_case() -> None:
    assert HEADERS["x-request-id"] == HEADERS["X-REQUEST-ID"] == HEADERS.get("X-Request-Id") == "a"
    assert HEADERS.get("absent") is None
    assert HEADERS.get("absent", "b") == "b"
    with pytest.raises(KeyError):
        HEADERS["absent"]


def test_a_field_that_stands_several_times_is_joined_under_its_first_name() -> None:
    assert dict(HEADERS) == {"X-Request-ID": "a", "Via": "1, 2, 3"}
    assert len(HEADERS) == 2
    assert list(Headers()) == []


def test_they_show_what_they_hold() -> None:
    assert repr(HEADERS) == "Headers({'X-Request-ID': 'a', 'Via': '1, 2, 3'})"
