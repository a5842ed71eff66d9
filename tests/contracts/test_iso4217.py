"""The currencies of the client and of the sandbox, each by its own hand, against a maintained list of ISO 4217."""

from __future__ import annotations

import pytest
from iso4217 import Currency

from molam_sdk import money
from molam_sdk.sandbox.domain import currencies

# Replaced by XCG in July 2025 and by EUR in January 2026; payments taken before are refunded in them.
WITHDRAWN = {"ANG": 2, "BGN": 2}
# The unit in which the Arab Monetary Fund keeps its books: nobody pays in it.
NO_TENDER = {"XAD"}

LISTED = {str(currency.code): currency.exponent for currency in Currency}
# Metals, bond units and codes for tests have no exponent.
CURRENT = {code: exponent for code, exponent in LISTED.items() if exponent is not None and code not in NO_TENDER}


@pytest.mark.parametrize("table", [money.EXPONENTS, currencies.EXPONENTS], ids=["of the client", "of the sandbox"])
def test_every_currency_has_the_decimals_of_the_standard(table: dict[str, int]) -> None:
    assert dict(table) == CURRENT | WITHDRAWN


def test_what_is_called_withdrawn_is_no_longer_listed() -> None:
    assert set(WITHDRAWN) & set(LISTED) == set()
    assert set(LISTED) >= NO_TENDER
