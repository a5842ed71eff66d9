"""Parts of a text, and their replacement."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .names import REDACTED

Span = tuple[int, int]


def cut(text: str, spans: Iterable[Span]) -> str:
    """The text with each span replaced; of spans that overlap, the first counts, and what the next adds to it."""
    pieces, at = [], 0
    for start, end in spans:
        if end <= at:
            continue
        pieces += [text[at:start], REDACTED] if start >= at else []
        at = end
    return "".join([*pieces, text[at:]]) if at else text


def named_parts(patterns: Iterable[re.Pattern[str]], text: str) -> Iterator[Span]:
    """What the named group of each pattern finds."""
    for pattern in patterns:
        yield from (found.span(found.lastgroup or 0) for found in pattern.finditer(text))
