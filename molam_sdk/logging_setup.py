"""Logs: one JSON object per line, nothing secret in it, and one line per call."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TextIO

from ._core.record import CallRecord, CallStart
from ._facts_line import SAID, STRUCK, FactsLine, Words, note_struck, raise_what_struck, shows_messages
from ._interruption import raised_from_outside
from ._trace_id import trace_id
from .redaction import as_text, escape_unseen, escape_unseen_in_lines, redact_text, sanitize_sensitive_data

__all__ = ["JsonFormatter", "LogObserver", "RedactingFilter", "sanitize_sensitive_data", "setup_structured_logger"]

if TYPE_CHECKING:
    _StreamHandler = logging.StreamHandler[TextIO]
else:
    _StreamHandler = logging.StreamHandler  # no generic before Python 3.11

LOGGER_NAME: Final = "molam_sdk"

# Made once: json.dumps makes an encoder anew wherever it is asked for anything but its defaults.
# What it is given is a tree without NaN: it comes out of sanitize_sensitive_data.
_to_json: Final = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False).encode

_STANDARD: Final = tuple(logging.makeLogRecord({}).__dict__)
_COUNT: Final = len(_STANDARD)
_LAST: Final = [_STANDARD[-1]]
_OF_EVERY_RECORD: Final = frozenset(_STANDARD) | {"message", "asctime", "taskName", SAID, STRUCK}
_ADDED_LATER: Final = _OF_EVERY_RECORD.difference(_STANDARD, (SAID, STRUCK))
# Attributes of every record that somebody may have put a secret into, beside its message and traceback.
_GIVEN_NAMES: Final = ("name", "threadName", "processName", "taskName", "message")


class JsonFormatter(logging.Formatter):
    """``{"ts": <Unix ms>, "name", "level", "msg", …extras}`` on one line, redacted; tracebacks as ``"exc"``.

    No control or invisible character is in it raw, and no ``NaN``. A record that cannot be written leaves a line that
    says so: it never raises.
    """

    def format(self, record: logging.LogRecord) -> str:
        try:
            line = _to_json(self._fields(record))
            return line if line.isascii() and "\x7f" not in line else escape_unseen(line)
        except Exception as problem:
            if raised_from_outside(problem):
                note_struck(vars(record).get(STRUCK, []), problem)
                raise
            return _to_json(
                {"ts": int(time.time() * 1000), "name": LOGGER_NAME, "level": "ERROR", "msg": _lost(problem)}
            )

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        name = record.name
        line: dict[str, Any] = {
            "ts": int(record.created * 1000),
            "name": redact_text(name if type(name) is str else as_text(name)),
            "level": record.levelname,
            "msg": redact_text(_said(record)),
        }
        clean: dict[str, Any] = sanitize_sensitive_data(_extras(record))
        fields = line | clean
        if len(fields) < len(line) + len(clean):
            fields = line | _renamed(clean, line)
        if record.exc_info or record.exc_text:
            fields["exc"] = redact_text(_traceback(record))
        if record.stack_info:
            fields["stack"] = redact_text(str(record.stack_info))
        return fields


class RedactingFilter(logging.Filter):
    """Redacts a record in place: add it to handlers of your own, for any logger, urllib3's included.

    Nothing of what the record was made with stays in it: arguments and extras become plain values, the traceback
    becomes the text in ``exc_text``, and ``exc_info`` None. Handlers that come later get that same record, whole and
    redacted; whoever needs the exception itself must come before. It never raises, and drops no record.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        for redact in (_redact_message, _redact_trace, _redact_extras):
            try:
                redact(record)
            except Exception as problem:
                if raised_from_outside(problem):
                    raise
                _empty(record, problem)
        return True


def _redact_message(record: logging.LogRecord) -> None:
    if isinstance(record.msg, Mapping) and not record.args:  # structlog's
        record.msg, record.args = sanitize_sensitive_data(record.msg), None
        return
    message = escape_unseen(redact_text(_message(record)))
    template, arguments = record.msg, _plain(record.args)
    record.msg, record.args = message, None
    # Formatters that read the arguments one by one, as uvicorn's does, find them where they stood.
    if type(template) is str and arguments and _fits(template, arguments, message):
        record.msg, record.args = template, arguments


def _plain(arguments: object) -> Any:
    clean = sanitize_sensitive_data(arguments)
    if isinstance(clean, list):
        return tuple(map(_plain_argument, arguments if isinstance(arguments, tuple) else clean, clean))
    return clean if isinstance(clean, dict) else None


def _plain_argument(given: object, clean: object) -> object:
    if not isinstance(clean, str):
        return clean
    text = escape_unseen(clean)
    return given if isinstance(given, Words) and given == text else text


def _fits(template: str, arguments: Any, message: str) -> bool:
    try:
        return bool(template % arguments == message)
    except (TypeError, ValueError, KeyError, OverflowError):
        return False


def _redact_trace(record: logging.LogRecord) -> None:
    trace = _traceback(record) if record.exc_info or record.exc_text else ""
    record.exc_info = None
    record.exc_text = escape_unseen_in_lines(redact_text(trace)) or None
    if record.stack_info:
        record.stack_info = escape_unseen_in_lines(redact_text(str(record.stack_info)))


def _redact_extras(record: logging.LogRecord) -> None:
    facts = record.__dict__
    extras = {name: facts[name] for name in facts if name not in _OF_EVERY_RECORD}
    clean = sanitize_sensitive_data(extras)
    for name in extras.keys() - clean.keys():
        del facts[name]
    facts.update(clean)
    for name in _GIVEN_NAMES:
        if isinstance(facts.get(name), str):
            facts[name] = escape_unseen(redact_text(facts[name]))


def _empty(record: logging.LogRecord, problem: Exception) -> None:
    """Leave nothing in a record that could not be redacted."""
    record.msg, record.args, record.exc_info, record.exc_text, record.stack_info = (
        _lost(problem),
        None,
        None,
        None,
        None,
    )
    for name in [name for name in record.__dict__ if name not in _OF_EVERY_RECORD]:
        del record.__dict__[name]


def _lost(problem: Exception) -> str:
    return f"a log record that could not be redacted ({type(problem).__name__})"


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    facts = record.__dict__
    names = [*facts]
    if names[_COUNT - 1 : _COUNT] == _LAST:
        del names[:_COUNT]  # what was added stands last
    extras = dict(zip(names, map(facts.__getitem__, names), strict=True))
    extras.pop(SAID, None)
    extras.pop(STRUCK, None)
    if len(names) == len(facts) or not _ADDED_LATER.isdisjoint(extras):
        extras = {name: value for name, value in extras.items() if name not in _OF_EVERY_RECORD}
    return extras


def _traceback(record: logging.LogRecord) -> str:
    """The text of its traceback; a handler may already have kept one."""
    given: object = record.exc_info
    if isinstance(given, BaseException):
        given = (type(given), given, given.__traceback__)
    if isinstance(given, tuple) and len(given) == 3 and given[1] is not None:
        return logging.Formatter().formatException(given)
    return str(record.exc_text or "")


def setup_structured_logger(
    level: int | str = logging.INFO, *, name: str = LOGGER_NAME, stream: TextIO | None = None
) -> logging.Logger:
    """Write ``name``'s records to ``stream`` (stderr) as JSON lines; calling it again only changes level and stream.

    Use ``name="urllib3"`` to have another library's lines redacted the same way. Without this call the SDK adds
    no handler: its records go wherever the application sends them.
    """
    logger = logging.getLogger(name)
    logger.setLevel(level)
    for handler in [h for h in logger.handlers if isinstance(h.formatter, JsonFormatter)]:
        logger.removeHandler(handler)
    handler = _ToStream(stream if stream is not None else sys.stderr)
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    logger.propagate = False
    return logger


class _ToStream(_StreamHandler):
    """Prints what goes wrong in writing a line, as every handler does, but swallows no time limit of the merchant's."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as logging calls it
        problem = sys.exc_info()[1]
        if problem is not None and raised_from_outside(problem):
            raise problem
        super().handleError(record)


# What the message of a call's line says of it, and in which order; the operation stands before.
_IN_WORDS: Final = (
    "idempotency_key", "outcome", "error", "decline_reason", "code", "attempts", "duration_ms", "request_id",
    "replayed", "trace_id",
)  # fmt: skip


class LogObserver:
    """One line per call: INFO, or WARNING where the money's fate is not known here. Its message ends with its facts."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger(LOGGER_NAME)

    def call_started(self, start: CallStart) -> None:
        """Nothing is said before the end: the line tells both."""

    def call_ended(self, record: CallRecord) -> None:
        doubtful = record.outcome in ("unknown", "accepted") and record.method != "GET"
        level = logging.WARNING if doubtful else logging.INFO
        if not self._logger.isEnabledFor(level):
            return
        said = f"call {record.outcome}" if doubtful else "call"
        # Not log(): that walks the stack for the place of the call, which is always this one.
        line = self._logger.makeRecord(self._logger.name, level, __file__, 0, f"{said} {record.operation} %s", (), None)
        facts = _facts(record)
        words = FactsLine(facts, _IN_WORDS)
        line.args = (words.words() if shows_messages(self._logger, JsonFormatter) else words,)
        vars(line).update(facts)  # not as extra: that asks of each name whether it is a record's own
        vars(line)[SAID], vars(line)[STRUCK] = said, words.struck
        self._logger.handle(line)
        raise_what_struck(words.struck)


def _facts(record: CallRecord) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "endpoint": record.operation,
        "code": record.code,
        "attempts": record.attempts,
        "duration_ms": round(record.elapsed * 1000, 3),
        "request_id": record.request_id,
        "idempotency_key": record.idempotency_key,
    }
    if record.replayed:
        facts["replayed"] = True
    if record.error is not None:
        facts["error"] = record.error
        facts["outcome"] = record.outcome
    if record.decline_reason is not None:
        facts["decline_reason"] = record.decline_reason
    if (trace := trace_id()) is not None:
        facts["trace_id"] = trace
    return facts


def _renamed(extras: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    return {f"extra_{name}" if name in line else name: value for name, value in extras.items()}


def _said(record: logging.LogRecord) -> str:
    """The message without what the fields say."""
    said = vars(record).get(SAID)
    return said if type(said) is str else _message(record)


def _message(record: logging.LogRecord) -> str:
    """The message with its arguments; a record whose arguments do not fit must not lose its line."""
    if type(record.msg) is str and not record.args and type(record) is logging.LogRecord:
        return record.msg
    try:
        return str(record.getMessage())
    except Exception as problem:
        if raised_from_outside(problem):
            raise
        return f"{as_text(record.msg)} {as_text(record.args)}"
