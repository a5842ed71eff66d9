"""The facts in a message: redacted, and no value passes for another field or for another line."""

from __future__ import annotations

import gc
import io
import logging
import pickle
from logging.handlers import QueueHandler, SocketHandler
from queue import SimpleQueue
from typing import Any
from weakref import ref

import pytest

from molam_sdk._facts_line import FactsLine, say
from molam_sdk.logging_setup import JsonFormatter, RedactingFilter

PAN = "4242424242424242"


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"key": "order-7", "attempts": 2, "replayed": True}, "key=order-7 attempts=2 replayed=true"),
        ({"key": None, "code": "200"}, "code=200"),
        ({"key": "a outcome=rejected"}, 'key="a outcome=rejected"'),
        ({"key": 'a"b'}, 'key="a\\"b"'),
        ({"key": ""}, 'key=""'),
        ({"key": "a\u00a0b=c"}, 'key="a\u00a0b=c"'),
        ({"key": "a\u3000b"}, 'key="a\u3000b"'),
        ({"key": "reçu=="}, "key=reçu=="),
        ({"key": "a\nERROR forged"}, 'key="a\\nERROR forged"'),
        ({"key": "\x1b[2J\u202e\u2028\udc80"}, 'key="\\u001b[2J\\u202e\\u2028\\udc80"'),
        ({"key": "sk_live_topsecret"}, "key=***REDACTED***"),
        ({"card": PAN, "password": "x"}, "card=***REDACTED*** password=***REDACTED***"),
    ],
)
def test_facts_are_words_that_hold_together(facts: dict[str, object], line: str) -> None:
    assert str(FactsLine(facts)) == line


def test_an_order_says_which_facts_are_written() -> None:
    assert str(FactsLine({"a": 1, "b": 2, "c": 3}, ("c", "a", "none"))) == "c=3 a=1"


@pytest.fixture
def record() -> logging.LogRecord:
    kept: list[logging.LogRecord] = []
    logger = logging.getLogger("molam_sdk.test.facts")
    logger.addHandler(handler := logging.Handler())
    handler.emit = kept.append  # type: ignore[method-assign]
    say(logger, logging.ERROR, "webhook given up", {"event_id": "evt_1", "key": PAN})
    logger.removeHandler(handler)
    return kept[0]


TEXT = "webhook given up event_id=evt_1 key=***REDACTED***"


def both(record: logging.LogRecord) -> tuple[str, str]:
    """The message of a plain formatter, and the ``msg`` of a line of JSON."""
    line = JsonFormatter().format(record)
    assert PAN not in line
    assert "_molam" not in line
    return logging.Formatter().format(record), line.split('"msg": "')[1].split('"')[0]


def test_text_has_the_facts_in_the_message_and_json_beside_it(record: logging.LogRecord) -> None:
    assert both(record) == (TEXT, "webhook given up")
    assert (record.filename, record.funcName) == ("test_facts_line.py", "record")


def test_so_has_a_record_that_was_redacted(record: logging.LogRecord) -> None:
    RedactingFilter().filter(record)
    assert both(record) == (TEXT, "webhook given up")
    assert PAN not in repr(vars(record))


def test_so_has_a_record_that_went_through_a_queue(record: logging.LogRecord) -> None:
    queue: SimpleQueue[Any] = SimpleQueue()
    QueueHandler(queue).emit(record)
    assert both(pickle.loads(pickle.dumps(queue.get()))) == (TEXT, "webhook given up")


def test_so_has_a_record_that_went_to_another_process(record: logging.LogRecord) -> None:
    sent = SocketHandler("127.0.0.1", 9).makePickle(record)
    assert both(logging.makeLogRecord(pickle.loads(sent[4:]))) == (TEXT, "webhook given up")


class Kept(Exception):  # noqa: N818 - as a time limit
    """What the merchant is handling while a line is said."""


def test_a_record_that_is_kept_holds_nothing_of_what_was_being_handled() -> None:
    logger, kept = logging.getLogger("molam_sdk.test.facts"), list[logging.LogRecord]()
    logger.addHandler(handler := logging.Handler())
    handler.emit = kept.append  # type: ignore[method-assign]

    def handle_one() -> ref[Kept]:
        try:
            raise Kept
        except Kept as problem:
            say(logger, logging.ERROR, "m", {"a": 1})
            repr(kept[0].args)
            return ref(problem)

    held = handle_one()
    logger.removeHandler(handler)
    gc.collect()
    assert held() is None
    assert logging.Formatter().format(kept[0]) == "m a=1"


def test_nothing_is_said_where_nobody_listens() -> None:
    logger = logging.getLogger("molam_sdk.test.facts")
    logger.addHandler(handler := logging.StreamHandler(stream := io.StringIO()))
    logger.setLevel(logging.ERROR)
    say(logger, logging.INFO, "m", {"a": 1})
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    assert stream.getvalue() == ""
