"""Card numbers: who issues them, their check digit, and how they are shortened."""

from __future__ import annotations

import pytest

from molam_sdk.redaction.cards import BRANDS, card_spans, is_card_number, truncate
from tests.redaction.variants import CARDS


@pytest.mark.parametrize("digits", CARDS)
def test_a_number_that_a_scheme_issues_is_a_card_number(digits: str) -> None:
    assert is_card_number(digits)


@pytest.mark.parametrize("digits", CARDS)
def test_any_other_last_digit_makes_it_none(digits: str) -> None:
    last = int(digits[-1])
    assert not any(is_card_number(digits[:-1] + str((last + step) % 10)) for step in range(1, 10))


@pytest.mark.parametrize(
    "digits",
    [
        "1700000000001",  # Luhn's digit, but nobody issues 1…: a time in ms
        "0000000000000000",
        "50180000007",  # too short
        "50180000000000000009",  # too long
        "42424242424242",  # Visa's have 13, 16 or 19 digits
        "9999999999999995",
    ],
)
def test_what_nobody_issues_is_none(digits: str) -> None:
    assert not is_card_number(digits)


def test_every_row_of_the_table_finds_some_number() -> None:
    """Made of the first number of the range, zeros, and the check digit that fits."""
    starts = dict(
        zip(
            (brand for brand, _, _ in BRANDS),
            "4 51 34 300 6011 3528 2131 62 508 50 5018 5060 2200 9860".split(),
            strict=True,
        )
    )
    for brand, _, lengths in BRANDS:
        for length in lengths:
            body = starts[brand].ljust(length - 1, "0")
            assert sum(is_card_number(f"{body}{digit}") for digit in range(10)) == 1, (brand, length)


def test_a_window_is_none_if_it_begins_within_a_group() -> None:
    assert list(card_spans("14242424242424242")) == []
    assert list(card_spans("1 4242424242424242")) == [(2, 18)]


def test_windows_do_not_overlap() -> None:
    assert list(card_spans("4242 4242 4242 4242 4242 4242 4242 4242")) == [(0, 19), (20, 39)]


def test_what_is_shown_of_a_number_is_its_first_six_and_last_four_digits() -> None:
    assert truncate("4242424242424242") == "424242******4242"
    assert truncate("4222222222222") == "422222***2222"
