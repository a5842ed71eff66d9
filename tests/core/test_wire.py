"""Header fields as a mapping."""

from __future__ import annotations

import pytest

from molam_sdk._core.wire import Headers, Hidden


@pytest.fixture
def headers() -> Headers:
    return Headers([("X-Request-ID", "a"), ("Via", "1"), ("VIA", "2"), ("via", "3")])


def test_a_field_is_found_whatever_its_case(headers: Headers) -> None:
    assert headers["x-request-id"] == headers["X-REQUEST-ID"] == headers.get("X-Request-Id") == "a"
    assert headers.get("absent") is None
    assert headers.get("absent", "b") == "b"
    with pytest.raises(KeyError):
        headers["absent"]


def test_a_field_that_stands_several_times_is_joined_under_its_first_name(headers: Headers) -> None:
    assert dict(headers) == {"X-Request-ID": "a", "Via": "1, 2, 3"}
    assert len(headers) == 2
    assert list(Headers()) == []


def test_they_show_what_they_hold(headers: Headers) -> None:
    assert repr(headers) == "Headers({'X-Request-ID': 'a', 'Via': '1, 2, 3'})"


def test_a_hidden_text_is_itself_but_in_its_repr() -> None:
    hidden = Hidden("Bearer sk_live_1")
    assert (hidden, f"{hidden}", len(hidden)) == ("Bearer sk_live_1", "Bearer sk_live_1", 16)
    assert repr({"Authorization": hidden}) == "{'Authorization': '***'}"
    assert type(str(hidden)) is str
