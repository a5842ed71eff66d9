"""Where a kid may stand in a name, and what is picked of what is stored."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import ConfigurationError
from molam_sdk.secrets.names import checked_name, filled, picked


@pytest.mark.parametrize(
    "kid", ["", ".", "..", "...", "a/b", "../x", "a b", "é", "v1\n", "x" * 65, "%2e", "a\\b", "{kid}"]
)
def test_a_kid_that_could_lead_elsewhere_fills_no_name(kid: str) -> None:
    assert filled("secret/{kid}", kid) is None
    assert filled("secret/fixed", kid) == "secret/fixed"


@pytest.mark.parametrize("kid", ["v1", "2", "key-2026.b", "a..b", "x" * 64])
def test_a_kid_stands_where_the_name_says(kid: str) -> None:
    assert filled("a/{kid}/b-{kid}", kid) == f"a/{kid}/b-{kid}"


@pytest.mark.parametrize(
    ("stored", "field", "found"),
    [
        (None, None, ()),
        (None, "key", ()),
        ("a", None, ("a",)),
        (b"a, b\n", None, ("a", "b")),
        ('{"key": "a"}', "key", ("a",)),
        (b'{"key": "a"}', "key", ("a",)),
        ({"key": "a"}, "key", ("a",)),
        ({"key": None}, "key", ()),
        ({"key": ["a", "b"]}, "key", (b"a", b"b")),
        ('{"key": ["a", "b"]}', "key", (b"a", b"b")),
        ({"webhook_v1": "a"}, "webhook_{kid}", ("a",)),
        ("no json", "key", ()),
        ("[1]", "key", ()),
        ("[" * 100_000, "key", ()),
        (b"\xff", "key", ()),
        (b"\xff", None, ()),
    ],
    ids=lambda item: repr(item)[:20],
)
def test_a_stored_secret_is_its_text_or_a_field_of_it(stored: Any, field: str | None, found: Any) -> None:
    assert picked(stored, field, "v1") == found


def test_a_field_of_a_kid_that_is_no_name_is_none() -> None:
    assert picked({"{kid}": "a", "": "b"}, "{kid}", "../x") == ()


@pytest.mark.parametrize("value", [5, {"a": 1}, True])
def test_a_field_that_is_no_secret_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="a source of secrets answered with a"):
        picked({"key": value}, "key", "v1")


@pytest.mark.parametrize("name", ["", " ", "a\nb", None, 5])
def test_a_name_that_is_none_is_refused_by_what_it_is(name: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^mount must be a name"):
        checked_name("mount", name)
