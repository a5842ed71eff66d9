"""The facts of a log record in its message, for formatters that write nothing but the message."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from typing_extensions import Self

from ._interruption import raised_from_outside

# The attribute of a record that holds its message without the facts: a line of JSON has those as fields.
SAID: Final = "_molam_said"
# The attribute that keeps what was raised from outside while a record was written: the handlers of logging swallow it.
STRUCK: Final = "_molam_struck"


class FactsLine:
    """``name=value name=value``, redacted; made when somebody writes the message, for a line of JSON needs none of it.

    A value with a space or a quote in it, or with something that a terminal obeys, stands in quotes as JSON's string:
    no value can pass for another field, or for another line. ``order``: the names to write; all of them without it.
    """

    __slots__ = ("_facts", "_order", "struck")

    def __init__(self, facts: Mapping[str, object], order: Sequence[str] = ()) -> None:
        self._facts = facts
        self._order = order
        self.struck: list[Exception] = []

    def words(self) -> Words:
        """Written now, before a handler is asked: what is raised into the writing is then no handler's to swallow."""
        return Words(self._written(), self.struck)

    def __str__(self) -> str:
        try:
            return self._written()
        except Exception as problem:
            note_struck(self.struck, problem)
            raise

    __repr__ = __str__

    def _written(self) -> str:
        from .redaction import escape_unseen, sanitize_sensitive_data  # when a line is written, not at import

        return escape_unseen(" ".join(self._words(sanitize_sensitive_data(self._facts))))

    def _words(self, facts: Mapping[str, Any]) -> Iterator[str]:
        for name in self._order or facts:
            value = facts.get(name)
            if value is not None:
                yield f"{name}={_written(value)}"


class Words(str):
    """The facts of a line, written. ``struck``: where to keep what was raised from outside into a log handler.

    Such a handler prints what went wrong together with its record's arguments, and goes on as if nothing had been: so
    these are shown while that exception is being handled, and keep it.
    """

    __slots__ = ("_handled", "struck")

    _handled: int
    struck: list[Exception]

    def __new__(cls, text: str, struck: list[Exception]) -> Self:
        words = super().__new__(cls, text)
        words.struck = struck
        # The merchant's own affair: the line is said while it is being handled. The exception itself would hold frames.
        words._handled = id(sys.exc_info()[1])
        return words

    def __repr__(self) -> str:
        problem = sys.exc_info()[1]
        if isinstance(problem, Exception) and id(problem) != self._handled:
            note_struck(self.struck, problem)
        return super().__repr__()

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def shows_messages(logger: logging.Logger, formatter: type[logging.Formatter]) -> bool:
    """Whether any handler of a logger writes the message itself, and not a line made by such a ``formatter``."""
    level: logging.Logger | None = logger
    found = False
    while level is not None:
        for handler in level.handlers:
            if not isinstance(handler.formatter, formatter):
                return True
            found = True
        level = level.parent if level.propagate else None
    return not found  # then logging has a last resort, which writes messages


def say(
    logger: logging.Logger,
    level: int,
    said: str,
    facts: Mapping[str, object],
    *,
    error: BaseException | bool | None = None,
    frames: int = 1,
) -> None:
    """Log ``said`` with these facts, as extras and in its message, at the line of the caller ``frames`` above."""
    if not logger.isEnabledFor(level):
        return
    line = FactsLine(facts).words()
    extra = {**facts, SAID: said, STRUCK: line.struck}
    template = f"{said} %s"
    logger.log(level, template, line, extra=extra, exc_info=error, stacklevel=frames + 1)
    raise_what_struck(line.struck)


def note_struck(struck: list[Exception], problem: Exception) -> None:
    """Keep what was raised from outside into the writing of a line."""
    if raised_from_outside(problem):
        struck.append(problem)


def raise_what_struck(struck: list[Exception]) -> None:
    """Raise it where the line was said: a time limit must not be lost in a handler that prints what went wrong."""
    if struck:
        problem = struck[0]
        struck.clear()  # a record may be kept for long, and would hold the frames of the call
        raise problem


def _written(value: object) -> str:
    if isinstance(value, str) and value and value.isprintable() and not any(c.isspace() or c == '"' for c in value):
        return value
    return json.dumps(value, ensure_ascii=False)
