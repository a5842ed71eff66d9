"""How an error quotes a value that is wrong: short, and not where it may be a secret in the wrong place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Final

_LONGEST: Final = 24
_LONGEST_NUMBER: Final = 11


@cache
def _secret_looking() -> re.Pattern[str]:
    """The beginnings of keys and tokens, credentials of a URL, and more digits than an amount or a size has."""
    return re.compile(r"(?i)[spr]k_|jwt_|whsec_|eyJ|bearer|basic\s|-----|:[^/@]*@|[0-9](?:[\s-]?[0-9]){8}")


def shown(value: object) -> str:
    """The value for a message; where it is long, or looks like a secret, only what kind of value it is."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int) and not -(10**9) < value < 10**9:  # its text may have more digits than Python writes
        return "a number of many digits"
    if isinstance(value, int | float | Decimal):
        text = str(value)
        return text if len(text) <= _LONGEST_NUMBER else "a number of many digits"
    if not isinstance(value, str):
        return f"a value of type {type(value).__name__}"
    if len(value) > _LONGEST or _secret_looking().search(value):
        return f"a text of {len(value)} characters"
    return repr(value)


def meant(value: object, known: Iterable[str]) -> str:
    """``: did you mean 'x'?`` where a known name is near, and all of them: the value itself is not told."""
    import difflib

    names = list(known)
    near = difflib.get_close_matches(value.lower(), names, n=1, cutoff=0.7) if isinstance(value, str) else []
    begin = f": did you mean {near[0]!r}? Use" if near else ": use"
    return f"{begin} one of {', '.join(names)}"
