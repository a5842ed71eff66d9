"""What redaction costs: a log line beside the same line as plain JSON, and texts beside a search for their length."""

from __future__ import annotations

import json
import logging
import random
import time
import uuid
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any, Final

from molam_sdk._core.record import CallRecord
from molam_sdk.logging_setup import JsonFormatter, LogObserver
from molam_sdk.redaction import redact_text, sanitize_sensitive_data

from .figures import Figures, Options

_LINES: Final = 400
_PLAIN: Final = "a call's line, not redacted"
_PROSE: Final = "The parcel left the warehouse in Thiès this morning and nobody has seen it since. "


class _PlainFormatter(JsonFormatter):
    """The same line, with nothing looked for in it."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        head = {
            "ts": int(record.created * 1000),
            "name": record.name,
            "level": record.levelname,
            "msg": record.getMessage(),
        }
        return _to_json(head | facts)


_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_to_json: Final = json.JSONEncoder(ensure_ascii=False).encode


def measure(options: Options) -> Figures:
    """Microseconds per line, everyone in one process, in a new order every round."""
    contestants = {name: call for name, call in _contestants().items() if options.only in name or name == _PLAIN}
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name in random.sample(tuple(contestants), len(contestants)):
            taken[name].append(_time(contestants[name]))
    plain = taken[_PLAIN]
    rows = {name: _row(rounds, plain) for name, rounds in taken.items()}
    return Figures("redaction", "Redaction: one line", rows, (
        f"{options.rounds} rounds of {_LINES} lines each; ratios are medians over the rounds. A call's line is made, "
        "formatted and thrown away.",
    ))  # fmt: skip


def _row(rounds: list[float], plain: list[float]) -> Mapping[str, float]:
    return {
        "µs": round(median(rounds) * 1e6, 2),
        "ratio to a plain line": round(median(own / other for own, other in zip(rounds, plain, strict=True)), 3),
    }


def _time(call: Callable[[int], object]) -> float:
    began = time.process_time()
    for number in range(_LINES):
        call(number)
    return (time.process_time() - began) / _LINES


def _contestants() -> dict[str, Callable[[int], object]]:
    records = [_record() for _ in range(_LINES)]
    data: dict[str, Any] = {"order": "A1", "customer": {"id": "cus_1", "card": {"cvc": "123"}}, "amounts": [1, 2.5]}
    access = '10.0.0.1 - - [21/Nov/2026:18:31:24 +0000] "GET /v1/orders/1042 HTTP/1.1" 200 1532 "-" "curl/8.5.0"'
    texts = {
        "an access line": access,
        "a line with a card number": "qty 2 4242 4242 4242 4242 12/28 for order 1042",
        "JSON with a password": '{"user": "bob", "password": "x", "amount": 12.5}',
        "1,000 characters of prose": (_PROSE * 13)[:1000],
    }
    return {
        _PLAIN: _line_of(_PlainFormatter(), records),
        "a call's line": _line_of(JsonFormatter(), records),
        "data": lambda _: sanitize_sensitive_data(data),
        **{name: lambda _, text=text: redact_text(text) for name, text in texts.items()},  # type: ignore[misc]
    }


def _line_of(formatter: logging.Formatter, records: list[CallRecord]) -> Callable[[int], object]:
    logger = logging.getLogger(f"molam_sdk.benchmark.{type(formatter).__name__}")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = logging.StreamHandler(_Nowhere())
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    observer = LogObserver(logger)
    return lambda number: observer.call_ended(records[number])


class _Nowhere:
    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...


def _record() -> CallRecord:
    key, request_id = f"pi-{uuid.uuid4().hex}", f"req_{uuid.uuid4().hex[:24]}"
    return CallRecord(
        "create_payment_intent",
        "payments",
        "POST",
        "200",
        None,
        1,
        (),
        0.0123,
        key,
        request_id,
        replayed=False,
        error=None,
    )
