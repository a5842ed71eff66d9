"""The facts of a log record in its message, for formatters that write nothing but the message."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

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
    line = FactsLine(facts)
    extra = {**facts, SAID: said, STRUCK: line.struck}
    template = f"{said} %s"
    logger.log(level, template, line, extra=extra, exc_info=error, stacklevel=frames + 1)
    raise_what_struck(line.struck)


def note_struck(struck: list[Exception], problem: Exception) -> None:
    """Keep what was raised from outside into the writing of a line."""
    if raised_from_outside(problem):
        struck.append(problem)


def raise_what_struck(struck: Sequence[Exception]) -> None:
    """Raise it where the line was said: a time limit must not be lost in a handler that prints what went wrong."""
    if struck:
        raise struck[0]


def _written(value: object) -> str:
    if isinstance(value, str) and value and value.isprintable() and not any(c.isspace() or c == '"' for c in value):
        return value
    return json.dumps(value, ensure_ascii=False)
