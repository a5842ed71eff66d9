"""What an error quotes of a wrong value."""

from __future__ import annotations

from decimal import Decimal

import pytest

from molam_sdk._shown import meant, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (7, "7"),
        (-0.5, "-0.5"),
        (float("nan"), "nan"),
        (Decimal("0.001"), "0.001"),
        ("abc", "'abc'"),
        ("", "''"),
        ("line\n", r"'line\n'"),
    ],
)
def test_what_is_short_and_harmless_is_quoted(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    "value",
    ["sk_live_1", "SK_TEST_1", "jwt_1", "whsec_1", "rk_1", "pk_1", "eyJhbGci", "Bearer x", "basic x", "u:p@host",
     "4242 4242 4242", "4242-4242-4242", "424242424", "-----BEGIN", "x" * 25],
)  # fmt: skip
def test_a_text_that_may_be_a_secret_is_measured_only(value: str) -> None:
    assert shown(value) == f"a text of {len(value)} characters"


LARGE = [4242424242424242, -(10**9), 4242424242424242.0, Decimal("0.4242424242424242"), Decimal("sNaN42424242")]


@pytest.mark.parametrize("value", LARGE)
def test_a_number_of_many_digits_is_not_quoted(value: object) -> None:
    assert shown(value) == "a number of many digits"


def test_a_number_of_more_digits_than_python_writes_is_not_written() -> None:
    assert shown(10**5000) == "a number of many digits"


def test_of_anything_else_only_the_type_is_told() -> None:
    assert shown({"card": 1}) == "a value of type dict"
    assert shown(b"sk_live") == "a value of type bytes"


def test_a_near_name_is_proposed_and_a_far_one_is_not_repeated() -> None:
    assert meant("eu-wset", ["us-east", "eu-west"]) == ": did you mean 'eu-west'? Use one of us-east, eu-west"
    assert meant("sk_live_1", ["us-east", "eu-west"]) == ": use one of us-east, eu-west"
    assert meant(7, ["us-east"]) == ": use one of us-east"
