"""A signed body that a strict reader refuses, read all the same where it is JSON: the event in it may be money."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any, Final

_BOM: Final = b"\xef\xbb\xbf"
# An escape at a time, so that the second half of `\\ud83d` (a backslash, then text) is not taken for one.
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
# Python refuses to make an int of more digits (CVE-2020-10735).
_MAX_DIGITS: Final = 4300


def read_leniently(body: bytes) -> Any:
    """What the JSON says; ``ValueError`` if it is none. Of keys that stand twice the last one counts.

    Half an emoji (a lone surrogate, which no database takes) is read as U+FFFD, a number beyond Python's bounds as a
    ``Decimal``; a byte order mark is left out. Nesting is read as deep as Python's own reader goes, some 900 levels.
    """
    text = _ESCAPE.sub(_mended, body.removeprefix(_BOM).decode())
    try:
        return json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _mended(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape["lone"] else escape[0]


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _MAX_DIGITS else Decimal(digits)


def _number(text: str) -> float | Decimal:
    number = float(text)
    return number if math.isfinite(number) else Decimal(text)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
