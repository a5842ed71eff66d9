"""The filter for handlers of the merchant's own: what it takes out, and what it leaves whole."""

from __future__ import annotations

import gc
import io
import json
import logging
import sys
import weakref
from typing import Any

import pytest

from molam_sdk.logging_setup import JsonFormatter, RedactingFilter

PAN = "4242424242424242"


def test_the_filter_redacts_the_lines_of_other_libraries() -> None:
    buffer = io.StringIO()
    handler = logging.StreamHandler(buffer)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(logging.Formatter("%(message)s %(card)s"))
    logger = logging.getLogger("urllib3.connectionpool.test")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        raise KeyError(PAN)
    except KeyError:
        logger.debug("POST /pay?card=%s", PAN, exc_info=True, extra={"card": PAN})
    logger.removeHandler(handler)
    assert "POST /pay" in buffer.getvalue()
    assert "KeyError" in buffer.getvalue()
    assert PAN not in buffer.getvalue()


class Live:
    """Something that a record must not keep: its text is harmless, what it holds is not."""

    def __init__(self) -> None:
        self.card = PAN

    def __repr__(self) -> str:
        return "Live()"


def redacted(message: object, *arguments: Any, **extras: Any) -> logging.LogRecord:
    record = logging.LogRecord("shop", logging.INFO, "shop.py", 1, message, arguments, None)
    record.__dict__.update(extras)
    assert RedactingFilter().filter(record) is True
    return record


def test_the_filter_leaves_nothing_live_in_a_record() -> None:
    argument, extra, message, error = Live(), Live(), Live(), ValueError(f"card {PAN}")
    gone = [weakref.ref(each) for each in (argument, extra, message)]
    try:
        raise error
    except ValueError:
        record = redacted(
            message, argument, exc_info=sys.exc_info(), stack_info=f"Stack\n card={PAN}", extra={"x": [extra]}
        )
    record_of_text = redacted("%s of %r", argument, 3)
    del argument, extra, message
    error.__traceback__ = None
    gc.collect()
    assert [reference() for reference in gone] == [None, None, None]
    assert (record.exc_info, record.args) == (None, None)
    assert record.exc_text is not None
    assert "ValueError: card ***REDACTED***" in record.exc_text
    assert record.stack_info == "Stack\n card=***REDACTED***"
    assert record_of_text.getMessage() == "Live() of 3"


def test_an_extra_under_a_secrets_name_goes_whole() -> None:
    record = redacted("m", password="hunter2", **{PAN: 1, "n": float("nan"), "token": {"x": 1}})
    assert {name: value for name, value in vars(record).items() if name in ("password", "n", "token")} == {
        "password": "***REDACTED***",
        "n": "NaN",
        "token": "***REDACTED***",
    }
    assert PAN not in vars(record)


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        ("paid %s", (PAN,), "paid ***REDACTED***"),
        ("password=%s", ("hunter2",), "password=***REDACTED***"),
        ("%s%s%s%s", ("4242",) * 4, "***REDACTED***"),
        ("%(a)s of %(b)d", ({"a": "x", "b": 2},), "x of 2"),
        ("%d %s", (3, [1, {"pin": 4}]), "3 [1, {'pin': ***REDACTED***}]"),
        (ValueError(f"card {PAN}"), (), "card ***REDACTED***"),
        ("100%", (), "100%"),
        ("a\nb\x1b[31m\u202e", (), "a\\nb\\u001b[31m\\u202e"),
        ("%s", ("a\nERROR forged",), "a\\nERROR forged"),
        ("\udc80", (), "\\udc80"),
    ],
)
def test_the_message_is_redacted_with_its_arguments(message: object, arguments: tuple[Any, ...], shown: str) -> None:
    assert redacted(message, *arguments).getMessage() == shown


def test_a_formatter_that_reads_the_arguments_finds_them_redacted() -> None:
    record = redacted('%s - "%s %s HTTP/%s" %d', "10.0.0.1:1", "GET", "/pay?token=abc", "1.1", 200)
    assert record.args == ("10.0.0.1:1", "GET", "/pay?token=***REDACTED***", "1.1", 200)  # as uvicorn's does
    record = redacted(
        "%(h)s %(r)s", {"h": "10.0.0.1", "r": "GET /", "{authorization}i": "Bearer abc", "{cookie}i": "a=b"}
    )
    assert record.args == {
        "h": "10.0.0.1",
        "r": "GET /",
        "{authorization}i": "***REDACTED***",
        "{cookie}i": "***REDACTED***",
    }


def test_uvicorns_own_formatter_writes_its_line() -> None:
    uvicorn = pytest.importorskip("uvicorn.logging", reason="uvicorn is not installed")
    record = redacted('%s - "%s %s HTTP/%s" %d', "10.0.0.1:1", "GET", f"/pay?card={PAN}", "1.1", 200)
    line = uvicorn.AccessFormatter("%(client_addr)s %(request_line)s %(status_code)s", use_colors=False).format(record)
    assert line == "10.0.0.1:1 GET /pay?card=***REDACTED*** HTTP/1.1 200 OK"


def test_a_message_that_is_a_mapping_stays_one() -> None:
    record = redacted({"event": "paid", "card": PAN, "password": "x"}, _logger=logging.getLogger("x"), _name="info")
    assert record.msg == {"event": "paid", "card": "***REDACTED***", "password": "***REDACTED***"}


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no")


class BrokenRecord(logging.LogRecord):
    def getMessage(self) -> str:
        raise RecursionError


@pytest.mark.parametrize(
    "given",
    [
        {"msg": Broken()},
        {"msg": "%s", "args": (Broken(),)},
        {"msg": "%d", "args": ("x",)},
        {"msg": "m", "x": Broken()},
        {"msg": "m", "x": {Broken(): 1}},
        {"msg": "m", "exc_info": (ValueError, ValueError(Broken()), None)},
        {"msg": "m", "exc_info": True},
        {"msg": "m", "exc_info": ValueError("x")},
        {"msg": "m", "exc_info": (None, None, None)},
        {"msg": "m", "exc_text": 7, "stack_info": 7},
        {"msg": "m", "created": "never"},
        {"msg": "m", "name": None, "threadName": None},
    ],
)
def test_neither_filter_nor_formatter_raises_or_loses_the_line(given: dict[str, Any]) -> None:
    for kind in (logging.LogRecord, BrokenRecord):
        record = kind("shop", logging.INFO, "shop.py", 1, "m", (), None)
        record.__dict__.update(given)
        assert json.loads(JsonFormatter().format(record))["msg"]
        assert RedactingFilter().filter(record) is True
        if kind is logging.LogRecord:
            assert logging.Formatter().format(record)
        assert json.loads(JsonFormatter().format(record))["msg"]


def test_a_record_that_cannot_be_redacted_leaves_a_line_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError(PAN)

    monkeypatch.setattr("molam_sdk.logging_setup.sanitize_sensitive_data", fail)
    record = redacted("m", card=PAN, stack_info=PAN)
    assert record.getMessage() == "a log record that could not be redacted (RuntimeError)"
    assert PAN not in repr(vars(record))
    line = json.loads(JsonFormatter().format(record))
    assert line["msg"] == "a log record that could not be redacted (RuntimeError)"


def test_a_time_limit_goes_through_filter_and_formatter(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("molam_sdk.logging_setup.redact_text", interrupt)
    with pytest.raises(KeyboardInterrupt):
        redacted("some message")
    with pytest.raises(KeyboardInterrupt):
        JsonFormatter().format(logging.makeLogRecord({"msg": "some message"}))


class Keeping(logging.Handler):
    """Keeps the lines that it would write."""

    def __init__(self, lines: list[str], *filters: logging.Filter) -> None:
        super().__init__()
        self._lines = lines
        self.filters = [*filters]
        self.setFormatter(logging.Formatter("%(message)s|%(card)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


def test_handlers_that_come_later_see_the_same_record_whole() -> None:
    seen: list[str] = []
    logger = logging.getLogger("molam_sdk.test.order")
    logger.handlers = [Keeping(seen), Keeping(seen, RedactingFilter()), Keeping(seen)]
    try:
        raise ValueError(PAN)
    except ValueError:
        logger.exception("paid with %s", PAN, extra={"card": PAN})
    logger.handlers.clear()
    assert [PAN in text for text in seen] == [True, False, False]
    assert seen[1] == seen[2]
    assert seen[2].startswith("paid with ***REDACTED***|***REDACTED***\n")
    assert "\nTraceback" in seen[2]
    assert seen[2].endswith("ValueError: ***REDACTED***")


def test_what_was_redacted_once_is_not_redacted_again() -> None:
    record = redacted("password=%s", "x", token="x", exc_info=(ValueError, ValueError(PAN), None))
    before = dict(vars(record))
    RedactingFilter().filter(record)
    assert vars(record) == before
