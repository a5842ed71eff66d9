"""Logs: one JSON object per line, nothing secret in it, and one line per call."""

from __future__ import annotations

import json
import logging
import sys
from itertools import filterfalse
from typing import Any, Final, TextIO

from ._core.record import CallRecord, CallStart
from .redaction import redact_text, sanitize_sensitive_data

__all__ = ["JsonFormatter", "LogObserver", "RedactingFilter", "sanitize_sensitive_data", "setup_structured_logger"]

LOGGER_NAME: Final = "molam_sdk"

# Made once: json.dumps makes an encoder anew wherever it is asked for anything but its defaults.
_to_json: Final = json.JSONEncoder(ensure_ascii=False, default=str).encode

_OF_EVERY_RECORD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """``{"ts": <Unix ms>, "name", "level", "msg", …extras}`` on one line, redacted; tracebacks as ``"exc"``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": int(record.created * 1000),
            "name": record.name,
            "level": record.levelname,
            "msg": redact_text(_message(record)),
        }
        facts = record.__dict__
        extras = {name: facts[name] for name in filterfalse(_OF_EVERY_RECORD.__contains__, facts)}
        clean: dict[str, Any] = sanitize_sensitive_data(extras)
        line |= clean if line.keys().isdisjoint(clean) else _renamed(clean, line)
        if record.exc_info:
            line["exc"] = redact_text(self.formatException(record.exc_info))
        elif record.exc_text:
            line["exc"] = redact_text(record.exc_text)
        if record.stack_info:
            line["stack"] = redact_text(record.stack_info)
        return _to_json(line)


class RedactingFilter(logging.Filter):
    """Redacts a record in place: add it to handlers of your own, for any logger, urllib3's included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact_text(_message(record)), None
        for name, value in record.__dict__.items():
            if name not in _OF_EVERY_RECORD:
                record.__dict__[name] = sanitize_sensitive_data(value)
        if record.exc_info:
            record.exc_text = redact_text(logging.Formatter().formatException(record.exc_info))
        return True


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
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    logger.propagate = False
    return logger


class LogObserver:
    """One line per call: INFO, or WARNING where the money's fate is not known here."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger(LOGGER_NAME)

    def call_started(self, start: CallStart) -> None:
        """Nothing is said before the end: the line tells both."""

    def call_ended(self, record: CallRecord) -> None:
        doubtful = record.outcome in ("unknown", "accepted") and record.method != "GET"
        level = logging.WARNING if doubtful else logging.INFO
        if not self._logger.isEnabledFor(level):
            return
        message = f"call {record.outcome}" if doubtful else "call"
        # Not log(): that walks the stack for the place of the call, which is always this one.
        line = self._logger.makeRecord(self._logger.name, level, __file__, 0, message, (), None)
        vars(line).update(_facts(record))  # not as extra: that asks of each name whether it is a record's own
        self._logger.handle(line)


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
    return facts


def _renamed(extras: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    return {f"extra_{name}" if name in line else name: value for name, value in extras.items()}


def _message(record: logging.LogRecord) -> str:
    """The message with its arguments; a record whose arguments do not fit must not lose its line."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - an argument's own __str__ may raise anything
        return f"{record.msg} {record.args}"
