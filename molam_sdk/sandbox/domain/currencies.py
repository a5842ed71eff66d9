"""Currencies as the sandbox judges them: ISO 4217 codes, their exponents, and amounts in minor units."""

from decimal import Decimal

_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT "
    "MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR "
    "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU "
    "UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS = {code: exponent for exponent, codes in _BY_EXPONENT.items() for code in codes.split()}
MAX_DIGITS = 15


def decimals(amount: Decimal) -> int:
    """How many decimals the number needs, trailing zeros not counted: 100.50 needs one."""
    _, digits, exponent = amount.as_tuple()
    text = "".join(map(str, digits))
    return max(0, -int(exponent) - (len(text) - len(text.rstrip("0"))))


def to_minor(amount: Decimal, currency: str) -> int:
    """Minor units of an amount already known to fit the currency."""
    return int(amount.scaleb(EXPONENTS[currency]))


def to_number(minor: int, currency: str) -> int | float:
    """The JSON number in major units; exact, since a float repeats any decimal of up to 15 digits."""
    exponent = EXPONENTS[currency]
    major = Decimal(minor).scaleb(-exponent)
    return int(major) if major == major.to_integral_value() else float(major)
