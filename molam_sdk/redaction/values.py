"""Where a value ends that is assigned in a text: quoted, in brackets, bare, or the rest of a header."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from .spans import Span

# Parts of patterns: a name in any spelling, a quote with its escapes, a blank.
NAME: Final = r"[A-Za-z0-9_.\-$@]+"
QUOTE: Final = r"(?:\\{0,15}[\"'`]|%(?:25)?2[27]|&quot;|&#0?34;|&#0?39;|&#x2[27];)"
BLANK: Final = r"[ \t\xa0]"

# Words after a colon that make it a sentence: "password: must be longer", "token: expired".
_PROSE: Final = frozenset(
    "a accepted already and are at been cannot changed check checked closed confirmed could created deleted denied did "
    "disabled does enabled error expired expires failed failure field for found from given has have in incorrect "
    "invalid is issued it its length malformed may missing mismatch must needs never no not of ok opened or passed "
    "rejected refreshed rejected removed renewed required reset revoked rotated rotating sent should started stopped "
    "succeeded success that the this to too unknown unset unsupported updated updating used user valid verified was "
    "were will with wrong your".split()
)


_BRACKETS: Final = {"[": "]", "{": "}", "(": ")"}


class Values:
    """Finds the ends of values in one text, in time that is linear over all of them."""

    __slots__ = ("_absent", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._absent: set[str] = set()

    def span(self, at: int) -> Span:
        """The value that begins here, without its quotes."""
        wrapped = _wrapped().match(self._text, at)
        quoted = self.quoted(at if wrapped is None else wrapped.end())
        if quoted is not None:
            return quoted
        closing = _BRACKETS.get(self._text[at : at + 1])
        if closing is not None:
            return at, self._closing(closing, at + 1, inside=1)
        block = _block().match(self._text, at)
        if block is not None:
            return block.span("lines")
        end = _match_end(_bare(), self._text, at)
        return at, _match_end(_more_digits(), self._text, end) if self._text[at:end].isalnum() else end

    def quoted(self, at: int) -> Span | None:
        """The value between quotes that begins here, None where there are none."""
        opening = _opening().match(self._text, at)
        return None if opening is None else (opening.end(), self._closing(opening["quote"], opening.end()))

    def line(self, at: int, *, in_quotes: bool) -> Span:
        """The rest of a header's line; ``in_quotes``: a quote ends it too."""
        return at, _match_end(_line_in_quotes() if in_quotes else _line(), self._text, at)

    def element(self, at: int) -> Span:
        """The content of an element of XML."""
        end = self._text.find("</", at)
        return at, len(self._text) if end < 0 else end

    def _closing(self, sign: str, at: int, *, inside: int = 0) -> int:
        """Where the sign next stands, unescaped and on this line; else the end of the line."""
        found = self._find(sign, at)
        while found > 0 and self._text[found - 1] == "\\" and not inside:
            found = self._find(sign, found + 1)
        end = len(self._text) if found < 0 else found + inside
        line_end = self._text.find("\n", at, end)
        return end if line_end < 0 else line_end

    def _find(self, sign: str, at: int) -> int:
        if sign in self._absent:
            return -1
        found = self._text.find(sign, at)
        if found < 0:
            self._absent.add(sign)  # nor does it stand further on: seek it once
        return found


def is_secret(value: str, *, spaced: bool) -> bool:
    """Whether what is assigned can be one; ``spaced``: a blank stands before it, as in a sentence."""
    if not value or _no_secret().match(value) is not None:
        return False
    return not (spaced and is_prose(value))


def is_prose(value: str) -> bool:
    """Whether it says how something is, or goes on with a sentence."""
    return value.rstrip(".,:;!").lower() in _PROSE


def _match_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()


@cache
def _no_secret() -> re.Pattern[str]:
    """What stands for none, for one that was taken out before, or for one that is put in later."""
    return re.compile(
        r"(?i)(?:none|null|nil|undefined|true|false|yes|no|on|off|empty|n/a|-+"
        r"|[*•·.…xX]{3,}|<[\w \-]{1,24}>|[\[*(]{1,3}(?:redacted|filtered|masked|hidden|secret|removed)[\]*)]{1,3}"
        r"|\$\d{1,3}|\$\{\w{1,64}\}|\{\{[ \w.]{1,64}\}\}|%\(?\w{0,32}\)?s|\?|@\w+)\Z"
    )


@cache
def _opening() -> re.Pattern[str]:
    return re.compile(rf"(?:[bBuUrRfFE]{{1,2}}(?=\\{{0,16}}[\"'`]))?(?P<quote>{QUOTE})")


@cache
def _wrapped() -> re.Pattern[str]:
    """A type that shows its value in quotes: ``Decimal('493')``."""
    return re.compile(r"(?:SecretStr|SecretBytes|Secret|Decimal|UUID|bytes|bytearray|str)\((?=[bBuU]?[\"'])")


@cache
def _block() -> re.Pattern[str]:
    """A block of YAML: the lines below that stand further in."""
    return re.compile(r"[|>][+\-]?[ \t]*\r?\n(?P<lines>(?:[ \t]+[^\n]*(?:\n(?=[ \t])|))+)")


@cache
def _more_digits() -> re.Pattern[str]:
    """Further groups of a number: ``4242 4242 4242 4241``, ``FR76 3000 6000 0112``."""
    return re.compile(r"(?:[ \xa0\u2009\u202f\-][A-Z0-9]{0,2}[0-9]{2,8}[A-Z0-9]{0,2}(?![\w.:]))*")


@cache
def _line() -> re.Pattern[str]:
    return re.compile(r"(?:[^\r\n\\]|\\(?!\\{0,16}[nr]))*")


@cache
def _line_in_quotes() -> re.Pattern[str]:
    return re.compile(r"(?:[^\r\n\"'\\]|\\(?!\\{0,16}[nr\"']))*")


@cache
def _bare() -> re.Pattern[str]:
    """Up to a blank or what closes something; signs within a word (``a,b``, ``it's``) are of the value."""
    return re.compile(
        r"(?:[^\s\"'`,;&<>(){}\[\]|\\%]"
        r"|%(?!22|27|26|7D|2C|0[AD])"
        r"|\\(?!\\{0,16}[\"'`nrt])"
        r"|[,;](?=[^\s\"'`,;&\\{}\[\]()<>])(?![\w.\-]{1,64}[\"']?[:=])"
        r"|[(){}\[\]|'](?=\w))+"
    )
