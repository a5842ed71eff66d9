"""Takes secrets and card numbers out of a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from .assigned import assigned
from .cards import card_spans
from .folding import Folded
from .forms import given_as_option, in_form, in_sql, named_apart, paired, spoken, tagged
from .logins import passwords_of_logins
from .names import any_of, stems
from .shapes import PARTS, redact_shapes, redact_tracks
from .spans import Span, cut

_SHORTEST_SECRET: Final = len("pin=1")
# What stands between a name and its value, in every form below, and in front of an escape.
_BETWEEN: Final = " \t\n\xa0:=<,'%&\\\uff1a\uff1d"
# A card number is at least twelve characters that are no letters, unless escapes stand among them.
_DIGITS: Final = re.compile("[0-9][^a-zA-Z]{11}")
_DIGITS_OF_ANY_SCRIPT: Final = re.compile(r"\d[^a-zA-Z]{11}")
# Words without a digit (``create_payment_intent``) that were found harmless: the same few come with every line.
_harmless_words: set[str] = set()
_WORDS: Final = re.compile(r"[A-Za-z_.]+")
_LONGEST_WORD: Final = 64
_MOST_WORDS: Final = 256

# In which forms a text gives a value to a name, and what it then holds.
_FORMS: Final[tuple[tuple[str, Callable[[str], Iterator[Span]]], ...]] = (
    ("", assigned),
    ("-", given_as_option),
    (",", paired),
    ("value", named_apart),
    ("form-data", in_form),
    ("<", tagged),
    ("'", in_sql),
    ("", spoken),
)


def redact_text(text: str) -> str:
    """The text without keys, tokens, what is assigned to a secret's name in it, and card numbers.

    Its cost is linear in the length. What is encoded otherwise than by escapes (base64, compression) is not read.
    """
    if len(text) < _SHORTEST_SECRET or text in _harmless_words:
        return text
    marked = _marks().search(text) is not None
    clean = redact_shapes(text) if marked else text
    if (_DIGITS if clean.isascii() else _DIGITS_OF_ANY_SCRIPT).search(clean) is not None:
        clean = _redact_cards(redact_tracks(clean))
    if marked:
        clean = _redact_named(clean)
        clean = _redact_escaped_cards(clean) if "\\" in clean or "%" in clean or "&" in clean else clean
    if clean is text and not marked and len(text) <= _LONGEST_WORD and _WORDS.fullmatch(text) is not None:
        _remember(text)
    return clean


@cache
def _marks() -> re.Pattern[str]:
    """What a text must hold for a secret to stand in it that is no card number: most ids hold none of it."""
    return re.compile(any_of([*PARTS, *_BETWEEN]))


def _remember(words: str) -> None:
    if len(_harmless_words) < _MOST_WORDS:
        _harmless_words.add(words)


def _redact_named(text: str) -> str:
    if "@" in text or "%40" in text or "-u" in text:
        text = cut(text, passwords_of_logins(text))
    if stems().search(text.lower()) is None:
        return text
    for mark, find in _FORMS:
        if mark in text:
            text = cut(text, find(text))
    return text


def _redact_cards(text: str) -> str:
    return cut(text, sorted(card_spans(text)))


def _redact_escaped_cards(text: str) -> str:
    folded = Folded(text)
    return cut(text, sorted(map(folded.original, card_spans(folded.text))))
