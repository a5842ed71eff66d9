"""Finds what a text assigns to a secret's name: ``db_password=…``, ``"token": "…"``, ``Cookie: …``, ``api key: …``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from .names import read_name
from .spans import Span
from .values import BLANK, NAME, QUOTE, Values, is_prose, is_secret

# Names whose value is the rest of the line, blanks, commas and all.
_WHOLE_LINES: Final = frozenset("cookie setcookie passphrase mnemonic seedphrase recoverycodes backupcodes".split())
# Names that counts and states stand beside too ("pass: 12", "auth: ok"), and those that may begin a sentence.
_WEAK: Final = frozenset("pass auth oauth session token signature sig sid cid".split())
_WORDY: Final = frozenset("pass auth oauth session sid cid".split())


def assigned(text: str) -> Iterator[Span]:
    """The values, from left to right."""
    values = Values(text)
    done = 0
    for found in _assignment().finditer(text):
        name = secret_name(found["name"]) if found.start() >= done else None
        if name is None:
            continue
        start, end = _value(text, values, name, found)
        if is_secret(text[start:end], spaced=found["gap"] != "") and not _is_ordinary(text, name, start, end, found):
            yield start, end
            done = end


def secret_name(text: str) -> str | None:
    """The name as it is compared, None if it is not a secret's: of two words, both, else the last."""
    for name in (read_name(text), read_name(text.rpartition(" ")[2])):
        if name.secret:
            return name.plain
    return None


def _value(text: str, values: Values, name: str, found: re.Match[str]) -> Span:
    at = found.end()
    in_quotes = text[found.start("name") - 1 : found.start("name")] in ('"', "'")
    if name in _WHOLE_LINES and not found["close"]:
        return values.quoted(at) or values.line(at, in_quotes=in_quotes)
    if name.endswith("authorization"):
        quoted = values.quoted(at)
        scheme = _scheme().match(text, quoted[0] if quoted else at)
        start = scheme.end() if scheme else at
        if quoted:
            return max(start, quoted[0]), quoted[1]
        return values.line(start, in_quotes=in_quotes) if scheme and scheme["many"] else values.span(start)
    return values.span(at)


def _is_ordinary(text: str, name: str, start: int, end: int, found: re.Match[str]) -> bool:
    """Whether it reads like a count, a state, a sentence, a path or code instead."""
    value = text[start:end]
    is_count = value.isdigit() and len(value) <= 3
    if name in _WEAK and (is_count or is_prose(value)):
        return True
    if name in _WORDY and found["gap"] and _goes_on(text, value, end):
        return True
    if name in ("pwd", "oldpwd") and value.startswith(("/", "~")):
        return True
    return found["gap"] != "" and found["equals"] == "=" and _code().match(text, start) is not None


def _goes_on(text: str, value: str, end: int) -> bool:
    return value.isalpha() and value.islower() and text[end : end + 1] == " " and text[end + 1 : end + 2].isalpha()


@cache
def _assignment() -> re.Pattern[str]:
    return re.compile(
        rf"(?:(?<!\\)\\+(?:[nrtbfv]|u[0-9A-Fa-f]{{4}})|%(?:25)*[0-9A-Fa-f]{{2}}|(?<![A-Za-z0-9_.\-$@]))"
        rf"(?P<name>(?:[A-Za-z]{{2,14}} )?{NAME})(?P<close>{QUOTE})?(?:\[[0-9]{{0,4}})?\]?(?P<before>{BLANK}{{0,8}})"
        rf"(?P<equals>:=|=>|->|={{1,3}}|:(?!\\?/)|%(?:25)*3[AaDd]|&#61;|\uff1a|\uff1d)(?P<gap>(?:{BLANK}|\\t|%(?:25)*20){{0,8}})"
    )


@cache
def _scheme() -> re.Pattern[str]:
    """The schemes of RFC 9110 and others, which stay; ``many``: those whose credentials are a list."""
    return re.compile(
        r"(?:(?i:bearer|basic|token(?! token=)|apikey|api-key|negotiate|ntlm|jwt)"
        r"|(?P<many>(?i:digest|oauth|hawk|signature|token|aws4-[\w\-]+))"
        r"|[A-Z][\w\-]{1,31}(?=[ \t]+(?:\*\*\*R|(?=[\w.\-+/~]*[0-9])[\w.\-+/~]{6,})))"
        r"(?:\s|\\+[tn]|\\(?=\n)|%20|\+)+"
    )


@cache
def _code() -> re.Pattern[str]:
    """A line of a traceback: ``password = read_password(path)``."""
    return re.compile(
        r"[A-Za-z_][A-Za-z_]*(?:\.[A-Za-z_]+)*[(\[]|(?:self|os|settings|request|config)\.[A-Za-z_.]+(?!\S)"
    )
