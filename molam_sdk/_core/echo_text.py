"""Whether a text can have become another one: a server may trim, shorten, escape or mask what it keeps."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from typing import Final

_NO_LETTER: Final = re.compile(r"[\W_]+")
_MASKED: Final = re.compile("[*•…]|\\.\\.\\.")
_SURELY_SHORTENED: Final = 20
_EXACT_DIGITS: Final = 15
"""What every JSON reader keeps of a number: those that read numbers as doubles lose what is beyond."""


def surely_differ(asked: object, came: object) -> bool:
    """Whether the one cannot be what became of the other. Mappings: at a key that both have."""
    if asked is None or came is None or asked == came:
        return False
    if isinstance(asked, Mapping) and isinstance(came, Mapping):
        return any(key in came and surely_differ(value, came[key]) for key, value in asked.items())
    one, other = _text_of(asked), _text_of(came)
    return one is not None and other is not None and _letters_differ(one, other)


def _text_of(value: object) -> str | None:
    """The text of what a server keeps as it is; None for what it may write in another way."""
    if isinstance(value, str):
        return None if _MASKED.search(value) else value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_EXACT_DIGITS:
        return str(value)
    return None


def _letters_differ(one: str, other: str) -> bool:
    shorter, longer = sorted((_letters(one), _letters(other)), key=len)
    if not shorter or shorter == longer:
        return False
    return len(shorter) < _SURELY_SHORTENED or not longer.startswith(shorter)


def _letters(text: str) -> str:
    """Its letters and digits alone, in one case."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", html.unescape(text)).casefold())
