"""Reads a text as what its escapes stand for, and remembers where in it each character came from."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from .spans import Span


class Folded:
    """A text with its escapes read: ``%20`` is a blank and ``\\n`` the end of a line, however often it was escaped."""

    __slots__ = ("_starts", "text")

    def __init__(self, original: str) -> None:
        characters: list[str] = []
        self._starts: list[int] = []
        for character, start in _characters(original):
            characters.append(character)
            self._starts.append(start)
        self._starts.append(len(original))
        self.text = "".join(characters)

    def original(self, span: Span) -> Span:
        """The part of the original that a part of the folded text was read from."""
        start, end = span
        return self._starts[start], self._starts[end]


def _characters(text: str) -> Iterator[tuple[str, int]]:
    at = 0
    for found in _escapes().finditer(text):
        yield from zip(text[at : found.start()], range(at, found.start()), strict=True)
        read = _read(found)
        yield from ((character, found.start()) for character in read)
        at = found.end()
    yield from zip(text[at:], range(at, len(text)), strict=True)


@cache
def _escapes() -> re.Pattern[str]:
    return re.compile(
        r"(?P<url>(?:%(?:25)*[0-9A-Fa-f]{2})+)"
        r"|(?<!\\)\\+(?:u(?P<unicode>[0-9A-Fa-f]{4})|x(?P<byte>[0-9A-Fa-f]{2})|(?P<short>[nrtbfv/\"']))"
        r"|(?P<html>&(?:#[0-9]{2,6}|#[xX][0-9A-Fa-f]{2,6}|nbsp|ensp|emsp|thinsp|ndash|mdash|shy|amp|quot|lt|gt);)"
    )


@cache
def _hex_of_url() -> re.Pattern[str]:
    return re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")


_SHORT: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\n", "f": "\n", "v": "\n"}


def _read(found: re.Match[str]) -> str:
    if url := found["url"]:
        return bytes.fromhex("".join(_hex_of_url().findall(url))).decode("utf-8", "replace")
    if code := found["unicode"] or found["byte"]:
        return chr(int(code, 16))
    if short := found["short"]:
        return _SHORT.get(short, short)
    return html.unescape(found[0])
