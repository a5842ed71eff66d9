"""Finds what a text gives to a secret's name without assigning it: options, pairs, tags, SQL, sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial

from .assigned import secret_name
from .spans import Span, named_parts
from .values import BLANK, NAME, QUOTE, Values


def given_as_option(text: str) -> Iterator[Span]:
    """``--password x``, also as the parts of a list."""
    return _after(_option(), text, Values(text).span)


def paired(text: str) -> Iterator[Span]:
    """``('cookie', '…')``, as lists of header fields show."""
    return _after(_pair(), text, Values(text).span)


def named_apart(text: str) -> Iterator[Span]:
    """``{"name": "cookie", "value": "…"}``."""
    return _after(_name_and_value(), text, Values(text).span)


def in_form(text: str) -> Iterator[Span]:
    """A part of ``multipart/form-data``."""
    return _after(_form_part(), text, partial(Values(text).line, in_quotes=False))


def tagged(text: str) -> Iterator[Span]:
    """``<password>…</password>``."""
    return _after(_tag(), text, Values(text).element)


def in_sql(text: str) -> Iterator[Span]:
    """``WITH PASSWORD '…'``."""
    return _after(_sql(), text, Values(text).span)


def _after(pattern: re.Pattern[str], text: str, span_at: Callable[[int], Span]) -> Iterator[Span]:
    """The values after the names that the pattern finds, where those are a secret's; none inside of another."""
    done = 0
    for found in pattern.finditer(text):
        if found.start() >= done and secret_name(found["name"]) is not None:
            start, done = span_at(found.end())
            yield start, done


def spoken(text: str) -> Iterator[Span]:
    """``Bearer …``, ``OTP 123456``, ``the password is …``."""
    return named_parts(_said(), text)


@cache
def _option() -> re.Pattern[str]:
    return re.compile(rf"(?<![\w\-])--?(?P<name>[A-Za-z][\w\-]*)(?:{QUOTE},\s?|{BLANK}{{1,8}})(?![\-|&;<>])")


@cache
def _pair() -> re.Pattern[str]:
    return re.compile(rf"(?:\([bBuU]?|\[b){QUOTE}(?P<name>{NAME}){QUOTE},{BLANK}{{0,2}}(?=[bBuU]?{QUOTE})")


@cache
def _name_and_value() -> re.Pattern[str]:
    return re.compile(
        rf"(?i)\b(?:name|key|header|field){QUOTE}?\s{{0,4}}[:=]\s{{0,4}}{QUOTE}?(?P<name>{NAME}){QUOTE}?[\s,]{{1,40}}"
        rf"{QUOTE}?(?:value|val){QUOTE}?\s{{0,4}}[:=]{BLANK}{{0,4}}"
    )


@cache
def _form_part() -> re.Pattern[str]:
    end = r"(?:\r?\n|\\+r\\+n|\\+n)"
    return re.compile(
        rf"form-data; name={QUOTE}(?P<name>{NAME}){QUOTE}{end}(?:Content-[^\r\n\\]{{0,128}}{end}){{0,4}}{end}"
    )


@cache
def _tag() -> re.Pattern[str]:
    return re.compile(rf"<(?:[A-Za-z]\w{{0,32}}:)?(?P<name>{NAME})(?:\s[^<>]{{0,256}})?>(?=[^<\s]|<!\[CDATA\[)")


@cache
def _sql() -> re.Pattern[str]:
    return re.compile(r"(?i)\b(?P<name>password|identified)(?: with [\w'\"]{1,64})?(?: by)?\s{1,8}(?=E?')")


@cache
def _said() -> tuple[re.Pattern[str], ...]:
    """Credentials after their scheme, short codes beside their name, and "is" with what holds a digit."""
    gap = r"(?:[\s+\\]|(?<=\\)[nrt]|%20){1,16}"
    no_word = r"(?=[\w.\-+/~]*(?:\d|[a-z][A-Z]|=))(?!\w+=[\"']?\w)"
    return (
        re.compile(
            rf"(?i)(?<![A-Za-z0-9])bearer{gap}(?!(?:realm|error|scope|charset|token|auth|scheme|header|format|is|was|not|has|in|and|or|of)"
            r"\w*(?:[^\w.\-]|\Z))(?P<value>[\w.\-+/=~]{6,})"
        ),
        re.compile(rf"(?<![A-Za-z0-9])[Bb](?:asic|ASIC){gap}{no_word}(?P<value>[\w.\-+/~]{{6,}}={{0,2}})"),
        re.compile(
            r"(?i)(?<![\w\-])(?:cvv2?|cvc2?|cvn|pin|otp|passcode)(?: (?:code|number))?(?: is)?[ \t#]{1,4}"
            r"(?P<value>\d{3,8})(?![\d.:]\d|\d)"
        ),
        re.compile(
            r"(?i)(?<![\w\-])(?:password|passphrase|passcode|token|secret|api[ _]?key) is (?=\S*\d)"
            r"(?P<value>[^\s\"',;]{4,})"
        ),
    )
