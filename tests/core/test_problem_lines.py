"""What is left of an error body that has no shape of Molam's, and what of any text may be shown."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk._core.problem import printable_line, read_problem
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.script import INTENT, OK, OUTAGE, client_of


@pytest.mark.parametrize(
    ("body", "reason", "message"),
    [
        (b"<html>", "", "no readable error body"),
        (b"<html>", "Bad Gateway", "Bad Gateway"),
        (b'{"message": "no route"}', "", "no route"),
        (b'{"detail": "no route"}', "", "no route"),
        (b'{"a": 1}', "Bad Gateway", "Bad Gateway"),
        (b'{"a": 1}', "", "unknown error"),
        (b'{"error": "x", "error_description": "why"}', "", "why"),
    ],
)
def test_the_message_is_the_best_there_is(body: bytes, reason: str, message: str) -> None:
    assert read_problem(body, reason).message == message


def test_an_unknown_body_is_kept_but_not_recognised() -> None:
    known = read_problem(b'{"message": "no route", "a": 1}')
    assert (known.body, known.shape) == ({"message": "no route", "a": 1}, None)
    text = read_problem(b"x" * 5000)
    assert (text.body, text.shape) == ("x" * 2000, None)


@pytest.mark.parametrize(
    ("kind", "code"),
    [("https://molam.io/problems/card-declined", "card_declined"), ("https://molam.io/problems/no-funds/", "no_funds"),
     ("about:blank", None), ("", None), (None, None)],
)  # fmt: skip
def test_the_last_word_of_a_problem_type_is_its_code(kind: str | None, code: str | None) -> None:
    body = b'{"title": "t"}' if kind is None else f'{{"title": "t", "type": "{kind}"}}'.encode()
    assert read_problem(body).code == code


@pytest.mark.parametrize(
    ("text", "line"),
    [("abc", "abc"), ("a b", "a b"), ("a  b\n c", "a b c"), ("a\x1bb", "a?b"), ("a" * 10, "a" * 10),
     ("a" * 11, "a" * 9 + "…"), ("a b " * 9, "a b a b a…"), (" a" * 5, "a a a a a"),
     ("a" * 5 + " " * 15 + "b", "aaaaa")],
)  # fmt: skip
def test_what_a_server_says_becomes_one_printable_line(text: str, line: str) -> None:
    assert printable_line(text, 10) == line


def test_a_list_gives_every_object_of_a_page_once() -> None:
    page = reply(200, {"data": [INTENT | {"id": each} for each in "abcd"], "has_more": False})
    assert [intent.id for intent in client_of(ScriptedTransport(page)).list_payment_intents()] == list("abcd")


def test_a_list_that_goes_on_from_an_empty_id_is_an_error() -> None:
    page: Any = reply(200, {"data": [INTENT | {"id": ""}], "has_more": True})
    with pytest.raises(Exception, match=r"^the list says that it goes on, but its page has no last id"):
        list(client_of(ScriptedTransport(page)).list_payment_intents())


def test_a_date_to_come_back_is_counted_from_the_answer() -> None:
    late = reply(OUTAGE, headers={"Retry-After": "Fri, 15 Jan 2027 08:00:07 GMT"})
    transport = ScriptedTransport(late, OK)
    client_of(transport).create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert transport.pauses == [7.0]
