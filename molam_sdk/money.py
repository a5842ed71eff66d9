"""Amounts and currencies: exact decimals in major units, checked against ISO 4217."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, TypeAlias

from ._shown import shown

AmountInput: TypeAlias = int | float | str | Decimal
"""What an amount may be given as, in MAJOR currency units; a float counts as its shortest repr."""

MAX_DIGITS: Final = 15
"""Most significant digits an amount may have: the most a JSON number carries exactly as a double."""

_BY_EXPONENT: Final[dict[int, str]] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
        "CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
        "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT "
        "MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR "
        "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU "
        "UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

EXPONENTS: Final[dict[str, int]] = {
    code: exponent for exponent, codes in _BY_EXPONENT.items() for code in codes.split()
}
"""Decimals of each ISO 4217 currency (list one; funds and metals that no merchant charges in are left out)."""

_MOST_DECIMALS: Final = max(_BY_EXPONENT)
_PLAIN_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def parse_currency(value: object) -> str:
    """Upper-case an ISO 4217 code; ``ValueError`` for anything that is not one."""
    if not isinstance(value, str):
        raise ValueError(f"Currency must be an ISO 4217 code such as 'USD', not {type(value).__name__}")
    code = value.strip().upper()
    if not value.isascii() or code not in EXPONENTS:  # 'uſd' in capitals is 'USD' too
        raise ValueError(f"Unknown currency {shown(value)}: use an ISO 4217 code such as 'USD' or 'XOF'")
    return code


def parse_amount(value: object) -> Decimal:
    """Turn what a merchant wrote into an exact, positive amount in MAJOR currency units.

    A float counts as its shortest repr (``0.1`` is 0.1, not 0.1000000000000000055…); a string must be a
    plain number. ``ValueError`` says what is wrong: not a number, not positive, too many digits.
    """
    amount = _to_decimal(value)
    if not amount.is_finite():
        raise ValueError(f"Amount must be a finite number, not {shown(value)}")
    if amount <= 0:
        raise ValueError(f"Amount must be positive, not {shown(amount)}")
    whole, decimals = amount.adjusted(), _decimals(amount)
    if whole >= MAX_DIGITS or whole + decimals >= MAX_DIGITS:
        raise ValueError(f"Amount has more than {MAX_DIGITS} digits: {shown(amount)}")
    if decimals > _MOST_DECIMALS:
        raise ValueError(f"Amount has more than {_MOST_DECIMALS} decimals, which no currency has: {shown(amount)}")
    return amount


def check_decimals(amount: Decimal, currency: str) -> None:
    """Refuse decimals that the currency does not have (ISO 4217 exponents): ``ValueError``."""
    exponent = EXPONENTS[currency]
    if _decimals(amount) <= exponent:
        return
    allowed = "no decimals" if exponent == 0 else f"at most {exponent} decimals"
    raise ValueError(f"{currency} has {allowed}: {shown(amount)}")


def to_json_number(amount: Decimal) -> int | float:
    """The number whose shortest JSON text is exactly this amount: whole amounts carry no ``.0``.

    Exact because an amount has at most 15 digits, which every double round-trips (IEEE 754). ``ValueError`` for what
    no amount can be: this is the last place before the wire, and pydantic has ways around its own checks.
    """
    if not (isinstance(amount, Decimal) and amount.is_finite() and amount > 0):
        raise ValueError(f"Amount must be positive, not {shown(amount)}")
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _to_decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(float.__repr__(value))
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise ValueError(f"Amount must be a number in major currency units such as '100.50', not {shown(value)}")


def _decimals(amount: Decimal) -> int:
    """Decimals that matter: 100.50 has one, 5000.0 none."""
    _sign, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int) or exponent >= 0:
        return 0
    if digits[-1]:
        return -exponent
    trailing_zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -exponent - trailing_zeros)
