"""Amounts are exact, currencies are known, and what is refused is named."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molam_sdk.money import EXPONENTS, check_decimals, parse_amount, parse_currency, to_json_number


@pytest.mark.parametrize(
    ("given_value", "amount"),
    [
        (100, "100"),
        (100.5, "100.5"),
        (0.1, "0.1"),
        ("100.50", "100.50"),
        (" 7 ", "7"),
        (Decimal("0.001"), "0.001"),
        (999_999_999_999_999, "999999999999999"),
        (Decimal("1E+3"), "1E+3"),
        (5000.0, "5000.0"),
    ],
)
def test_an_amount_is_taken_by_its_shortest_text(given_value: object, amount: str) -> None:
    assert parse_amount(given_value) == Decimal(amount)


@pytest.mark.parametrize(
    ("given_value", "says"),
    [
        (0, "Amount must be positive"),
        (-10, "Amount must be positive"),
        (float("nan"), "finite"),
        (float("inf"), "finite"),
        (Decimal("sNaN"), "finite"),
        (True, "must be a number"),
        (None, "must be a number"),
        ("1e5", "must be a number"),
        ("1,000", "must be a number"),
        ("1_000", "must be a number"),
        ("", "must be a number"),
        (0.1 + 0.2, "more than 15 digits"),
        (10**15, "more than 15 digits"),
        (Decimal("1E+999999"), "more than 15 digits"),
        ("12345678901234.56", "more than 15 digits"),
        ("0.00001", "more than 4 decimals"),
    ],
)
def test_what_is_no_amount_is_refused_with_its_reason(given_value: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_amount(given_value)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("5000", "XOF"),
        ("5000.00", "XOF"),
        ("100.50", "USD"),
        ("1.234", "KWD"),
        ("1.2345", "CLF"),
        ("1E+3", "JPY"),
    ],
)
def test_decimals_that_the_currency_has_pass(amount: str, currency: str) -> None:
    check_decimals(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("amount", "currency", "says"),
    [
        ("100.50", "XOF", "XOF has no decimals: 100.50"),
        ("1.5", "GNF", "GNF has no decimals: 1.5"),
        ("1.234", "USD", "USD has at most 2 decimals: 1.234"),
        ("1.2345", "KWD", "KWD has at most 3 decimals: 1.2345"),
    ],
)
def test_decimals_beyond_the_currency_are_refused(amount: str, currency: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}$"):
        check_decimals(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("code", "exponent"),
    [("XOF", 0), ("XAF", 0), ("GNF", 0), ("JPY", 0), ("USD", 2), ("KES", 2), ("KWD", 3), ("TND", 3), ("CLF", 4)],
)
def test_exponents_are_those_of_iso_4217(code: str, exponent: int) -> None:
    assert EXPONENTS[code] == exponent


def test_every_currency_code_is_three_capitals() -> None:
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in EXPONENTS)
    assert len(EXPONENTS) > 150


@pytest.mark.parametrize(("given_value", "code"), [("usd", "USD"), (" xof ", "XOF"), ("EUR", "EUR")])
def test_a_currency_is_upper_cased(given_value: str, code: str) -> None:
    assert parse_currency(given_value) == code


@pytest.mark.parametrize("given_value", ["ZZZ", "US", "", "dollar", 840, None, "uſd", "ıdr", "ＵＳＤ"])
def test_an_unknown_currency_is_refused(given_value: object) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        parse_currency(given_value)


@given(st.integers(min_value=1, max_value=10**15 - 1), st.integers(min_value=0, max_value=4))
def test_the_json_number_is_exactly_the_amount(units: int, decimals: int) -> None:
    amount = parse_amount(Decimal(units).scaleb(-decimals))
    text = json.dumps(to_json_number(amount))
    assert Decimal(text) == amount
    assert "e" not in text or amount < Decimal("0.001")


def test_a_whole_amount_goes_out_without_a_point() -> None:
    assert json.dumps(to_json_number(Decimal("5000.00"))) == "5000"


@pytest.mark.parametrize("amount", ["0", "-5", "NaN", "Infinity"])
def test_what_no_amount_can_be_has_no_json_number(amount: str) -> None:
    with pytest.raises(ValueError, match="Amount must be positive"):
        to_json_number(Decimal(amount))
