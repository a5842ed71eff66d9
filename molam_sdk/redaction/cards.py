"""Finds card numbers among digits: however they are grouped, whatever parts the groups, in the digits of any script."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, takewhile
from typing import Final

from .spans import Span

# Who issues numbers that begin so, and how long they are (ISO/IEC 7812; the schemes' own ranges). A number that
# no scheme issues is none of a card: times in any unit, for one, begin with 1.
BRANDS: Final[tuple[tuple[str, str, tuple[int, ...]], ...]] = (
    # brand             begins with                                             digits
    ("Visa", "4", (13, 16, 19)),
    ("Mastercard", "5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
    ("American Express", "3[47]", (15,)),
    ("Diners Club", "30[0-5]|3095|3[689]", (14, 16)),
    ("Discover", "6011|64[4-9]|65|622(?:12[6-9]|1[3-9]|[2-8]|9[01]|92[0-5])", (16, 19)),
    ("JCB", "35(?:2[89]|[3-8])", (16,)),
    ("JCB, old", "2131|1800", (15,)),
    ("UnionPay", "62", (16, 17, 18, 19)),
    ("RuPay", "508|60|8[12]|35[36]", (16,)),
    ("Maestro", "50|5[6-9]|6", (16, 19)),
    ("Maestro, short", "50(?:18|20|38)|5893|6304|6759|676[1-3]", (12, 13, 14, 15, 17, 18)),
    ("Verve", "506[01]|5078", (18,)),
    ("Mir, Belkart", "220[0-5]|9112", (16, 17, 18, 19)),
    ("Humo, Uzcard, Troy", "9860|8600|9792", (16,)),
)
# How the digits of a number are grouped, where other numbers stand beside it: whatever separates the groups, …
USUAL_GROUPINGS: Final = ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (6, 13))
# … and only if the same separates all of them.
RARE_GROUPINGS: Final = (
    (4, 4, 4, 3), (4, 4, 4, 2), (4, 4, 4, 1), (4, 4, 4), (4, 4, 5), (4, 12), (12, 4), (4, 4, 8), (8, 4, 4), (4, 8, 4),
    (8, 8), (8, 8, 3), (8, 5), (6, 10), (6, 4, 6), (6, 6, 4), (6, 6, 3), (6, 9), (10, 6), (5, 5, 5), (5, 5, 6),
    (5, 5, 5, 1), (3, 3, 3, 3, 4), (3,) * 5, (3, 3, 3, 3, 3, 1), (3, 3, 3, 3, 2), (2,) * 8, (2,) * 7 + (1,), (2,) * 7,
    (1,) * 16, (1, 3, 3, 3, 3, 3),
)  # fmt: skip
_SHORTEST, _LONGEST = 12, 19
_LONGEST_PHONE: Final = 13
_LONGEST_WORD: Final = 32
_MOST_GROUPS: Final = 20
_WIDEST_GAP: Final = 3
_ID_PREFIXES: Final = ("0x", "0X", "1Z")  # the last is of a parcel's number
_HEX: Final = frozenset("abcdefABCDEF")
# Each digit twice, its figures added.
_DOUBLED: Final = dict(zip("0123456789", (0, 2, 4, 6, 8, 1, 3, 5, 7, 9), strict=True))


def is_card_number(digits: str) -> bool:
    """ASCII digits that a scheme issues, with a right check digit (Luhn, ISO/IEC 7812-1 annex B)."""
    if not _SHORTEST <= len(digits) <= _LONGEST or _issued().match(digits) is None:
        return False
    return (sum(map(int, digits[-1::-2])) + sum(map(_DOUBLED.__getitem__, digits[-2::-2]))) % 10 == 0


def truncate(digits: str) -> str:
    """The first six and the last four digits, which PCI DSS 3.5 calls truncated: enough to find the number again."""
    return f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}"


def card_spans(text: str) -> Iterator[Span]:
    """Where in the text card numbers stand."""
    for run in _runs(ascii_only=text.isascii()).finditer(text):
        yield from _Groups(text, [found.span() for found in _digits().finditer(text, *run.span())]).cards()
    for found in _listed().finditer(text):
        if _is_card(text, *found.span()):
            yield found.span()


class _Groups:
    """Groups of digits that stand beside one another, and what stands between them."""

    def __init__(self, text: str, groups: list[Span]) -> None:
        self._text = text
        self._groups = groups
        self._sizes = tuple(end - start for start, end in groups)
        self._gaps = [text[end:start] for (_, end), (start, _) in pairwise(groups)]

    def cards(self) -> Iterator[Span]:
        """The windows over the groups that are card numbers, none over another."""
        at, left = 0, sum(self._sizes)
        while left >= _SHORTEST:
            start = self._groups[at][0]
            ends = (self._groups[at + count - 1][1] for count in self._counts(at))
            end = next((end for end in ends if _is_card(self._text, start, end)), None)
            following = at + 1
            if end is not None:
                yield start, end
                following = bisect(self._groups, (end, end))
            left -= sum(self._sizes[at:following])
            at = following

    def _counts(self, at: int) -> Iterator[int]:
        """How many groups there may be to a number that begins here, by how they are grouped and separated."""
        size = self._sizes[at]
        if size >= _SHORTEST and not _is_fraction(self._text, self._groups[at][0]):
            yield 1
        gap, gap_before = self._gap(at), self._gap(at - 1)
        if gap is None or len(gap) > _WIDEST_GAP:
            return
        for grouping, usual in _groupings().get(size, ()):
            if len(grouping) == 2 and gap == ".":
                continue  # a decimal fraction
            if self._sizes[at : at + len(grouping)] == grouping and self._are_close(at, len(grouping), equal=not usual):
                yield len(grouping)
        if gap != gap_before:
            count = 1 + sum(1 for _ in takewhile(gap.__eq__, self._gaps[at : at + _MOST_GROUPS]))
            if _is_odd_grouping(self._sizes[at : at + count], gap):
                yield count

    def _gap(self, at: int) -> str | None:
        return self._gaps[at] if 0 <= at < len(self._gaps) else None

    def _are_close(self, at: int, count: int, *, equal: bool) -> bool:
        gaps = self._gaps[at : at + count - 1]
        return len(set(gaps)) == 1 if equal else max(map(len, gaps)) <= _WIDEST_GAP


def _is_odd_grouping(sizes: tuple[int, ...], gap: str) -> bool:
    """Whether all that stands between equal separators may be one number: few groups, or all of one size."""
    if len(sizes) == 2 and gap == ".":
        return False
    return (len(sizes) <= 8 and min(sizes) > 1) or len(set(sizes[:-1])) == 1


def _is_card(text: str, start: int, end: int) -> bool:
    digits = ascii_digits(text[start:end])
    if not is_card_number(digits):
        return False
    if text[start - 1 : start] == "+" and len(digits) <= _LONGEST_PHONE:
        return False
    if len(digits) > 16 and end - start == len(digits) and _of_trace().search(text, max(0, start - 24), start):
        return False  # a random number of 64 bits, as Datadog's are
    return not _inside_id(text, start, end)


def ascii_digits(text: str) -> str:
    """The digits in a text, of whatever script, as ASCII."""
    if text.isascii():
        return "".join(filter(str.isdigit, text))
    return "".join(str(unicodedata.decimal(c)) for c in text if c.isdecimal())


def _is_fraction(text: str, start: int) -> bool:
    return text[start - 1 : start] == "." and text[max(start - 2, 0) : start - 1].isdecimal()


def _inside_id(text: str, start: int, end: int) -> bool:
    """Whether hexadecimal letters around it make it a part of an id; other words (``card4242…exp``) do not."""
    before = _letters_before().search(text, max(0, start - _LONGEST_WORD), start)
    after = _letters().match(text, end, end + _LONGEST_WORD)
    words = [found[0] for found in (before, after) if found is not None]
    return any(map(_HEX.issuperset, words)) or text[max(start - 2, 0) : start] in _ID_PREFIXES


@cache
def _issued() -> re.Pattern[str]:
    rows = (
        rf"(?=(?:{begin}))(?:{'|'.join(rf'[0-9]{{{length}}}' for length in lengths)})\Z" for _, begin, lengths in BRANDS
    )
    return re.compile("|".join(rows))


@cache
def _groupings() -> dict[int, list[tuple[tuple[int, ...], bool]]]:
    by_first: dict[int, list[tuple[tuple[int, ...], bool]]] = {}
    for usual, groupings in ((True, USUAL_GROUPINGS), (False, RARE_GROUPINGS)):
        for grouping in groupings:
            by_first.setdefault(grouping[0], []).append((grouping, usual))
    return by_first


# Blanks of every kind but line ends, what cannot be seen, dashes of every kind, and dots, slashes, lines below.
_BETWEEN: Final = r" \t\x0b\x0c\x1c-\x1f\x00\-./_\\"
_BETWEEN_TOO: Final = (
    r"\x85\xa0\u1680\u2000-\u200a\u202f\u205f\u3000\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    r"\u058a\u05be\u2010-\u2015\u2043\u2053\u207b\u2212\u2e3a\u2e3b\u301c\u30fc\ufe58\ufe63\uff0d"
    r"\u115f\u1160\u17b4\u17b5\u180b-\u180d\u206a-\u206f\u23af\u2500\u2501\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e007f"
    r"\xb7\u2022\u2024\u2027\u2044\u2215\u2219\u30fb\uff0e\uff0f"
)


@cache
def _runs(*, ascii_only: bool) -> re.Pattern[str]:
    if ascii_only:
        return re.compile(rf"[0-9][0-9{_BETWEEN}]{{{_SHORTEST - 1},}}")
    return re.compile(rf"\d[\d{_BETWEEN}{_BETWEEN_TOO}]{{{_SHORTEST - 1},}}")


@cache
def _digits() -> re.Pattern[str]:
    return re.compile(r"\d+")


@cache
def _listed() -> re.Pattern[str]:
    """The usual groups between signs that as a rule part different numbers, and thousands, as templates write them."""
    sign, thousands = r"[,:;|+*~#='\u2019]", r"[,'\u2019]"
    return re.compile(
        rf"(?<!\d)\d{{4}}(?:({sign}) ?\d{{4}}\1 ?\d{{4}}\1 ?\d{{4}}|({sign}) ?\d{{6}}\2 ?\d{{4,5}})(?!\d)"
        rf"|(?<![\d,])\d({thousands})\d{{3}}\3\d{{3}}\3\d{{3}}\3\d{{3}}\3\d{{3}}(?!,?\d)"
    )


@cache
def _letters() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z]+")


@cache
def _letters_before() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z]+\Z")


@cache
def _of_trace() -> re.Pattern[str]:
    return re.compile(r"(?i)(?:trace|span)[_.\-]?id[^A-Za-z0-9]{1,5}\Z")
