"""One encoding for logs and terminals: what cannot be seen is written as JSON's escapes."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape_unseen(text: str) -> str:
    """The text without control characters, marks of direction, line separators, invisible characters and surrogates:
    ``\\u202e`` stands for what a terminal would obey. In a line of JSON it reads as before."""
    if text.isprintable():
        return text
    return _unseen().sub(lambda found: _SHORT.get(found[0]) or _escape(ord(found[0])), text)


def escape_unseen_in_lines(text: str) -> str:
    """The same for a traceback, whose lines stay lines."""
    return text if text.isprintable() else "\n".join(map(escape_unseen, text.split("\n")))


def _escape(code: int) -> str:
    if code > 0xFFFF:  # JSON writes it as a pair
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"


@cache
def _unseen() -> re.Pattern[str]:
    """Unicode's Cc, Cf, Cs, Zl and Zp, and what is drawn as nothing at all."""
    return re.compile(
        "[\\x00-\\x1f\\x7f-\\x9f\\xad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\u0891\u08e2\\u115f\\u1160\\u180b-\\u180f\\u200b-\\u200f"
        "\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ud800-\\udfff\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff"
        "\\U000110bd\\U000110cd\\U00013430-\\U0001345f\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff]"
    )
