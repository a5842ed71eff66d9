"""Every error body of the contract, and whatever else stands where one should be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molam_sdk._core.problem import read_problem, without_api_key
from molam_sdk._core.wire import Headers, Reply


@pytest.mark.parametrize(
    ("body", "code", "message", "param"),
    [
        ({"error": {"code": "card_declined", "message": "No.", "param": "amount"}}, "card_declined", "No.", "amount"),
        ({"error": "invalid_amount", "message": "M"}, "invalid_amount", "M", None),
        ({"error": "invalid_amount", "detail": "D"}, "invalid_amount", "D", None),
        ({"error": "invalid_amount"}, "invalid_amount", "invalid_amount", None),
        ({"error_code": "E1", "message": "M", "details": {"a": 1}, "request_id": "r"}, "E1", "M", None),
        ({"type": "https://x/probs/out-of-credit", "title": "T", "detail": "D"}, "out_of_credit", "D", None),
        ({"type": "about:blank", "title": "Not Found"}, None, "Not Found", None),
        ({"title": "T", "code": "c"}, "c", "T", None),
    ],
)
def test_a_shape_of_molam_is_recognised(body: object, code: str | None, message: str, param: str | None) -> None:
    problem = read_problem(json.dumps(body).encode())
    assert (problem.code, problem.message, problem.param) == (code, message, param)
    assert problem.shape is not None
    assert problem.body == body


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": {"type": "api_error", "detail": "D"}}, "api_error", "D"),
        ({"error": {"code": 404, "status": "Not Found", "message": "M"}}, None, "M"),  # Oathkeeper
        ({"error": {}}, None, "unknown error"),
    ],
)
def test_an_error_nested_without_a_code_in_words_is_read_but_nobody_knows_whose_it_is(
    body: object, code: str | None, message: str
) -> None:
    problem = read_problem(json.dumps(body).encode())
    assert (problem.code, problem.message, problem.shape) == (code, message, None)


def test_the_request_id_of_a_body_is_read() -> None:
    assert read_problem(b'{"error_code":"E","request_id":"req_b"}').request_id == "req_b"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Bad Gateway</html>", b"[1]", b"null", b"\xff\xfe", b'{"a":', b"[" * 100_000, b'{"detail":"x"}'],
)
def test_anything_else_is_not_taken_for_molams(body: bytes) -> None:
    assert read_problem(body).shape is None


def test_the_text_of_a_strange_body_is_kept_for_the_merchant() -> None:
    problem = read_problem(b"<html>Bad Gateway</html>", "Bad Gateway")
    assert (problem.body, problem.message) == ("<html>Bad Gateway</html>", "Bad Gateway")


def test_a_message_beside_no_error_is_still_shown() -> None:
    assert read_problem(b'{"message":"try later"}').message == "try later"


def test_a_message_becomes_one_short_printable_line() -> None:
    message = read_problem(json.dumps({"error": {"message": "a\nb\x1b[31m" + "x" * 2000}}).encode()).message
    assert message.startswith("a b?[31mxx")
    assert len(message) == 500


@given(st.one_of(st.binary(), st.text().map(str.encode)))
def test_no_bytes_make_it_raise(body: bytes) -> None:
    assert isinstance(read_problem(body).message, str)


_NAMES = st.sampled_from(["error", "message", "code", "title", "type"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["error", "message", "code", "title", "type"]), inner)
    ),
)


@given(_JSON)
def test_no_json_makes_it_raise(body: object) -> None:
    assert isinstance(read_problem(json.dumps(body).encode()).message, str)


def test_an_answer_that_repeats_the_api_key_is_told_without_it() -> None:
    body = b'{"error": {"code": "bad", "message": "who is sk_live_1?", "param": "sk_live_1"}}'
    reply, problem = _reply(body), read_problem(body)
    clean, told = without_api_key(reply, problem, {"Authorization": "Bearer sk_live_1"})
    assert b"sk_live_1" not in clean.body
    assert told is not None
    assert (told.message, told.param, told.code) == ("who is ***?", "***", "bad")
    assert without_api_key(reply, None, {"Authorization": "Bearer sk_live_1"}) == (clean, None)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer sk_live_2"}, {"Authorization": ""}])
def test_an_answer_that_does_not_repeat_it_is_told_as_it_is(headers: dict[str, str]) -> None:
    reply, problem = _reply(b'{"error": "sk_live_1"}'), read_problem(b'{"error": "sk_live_1"}')
    assert without_api_key(reply, problem, headers) == (reply, problem)


def _reply(body: bytes) -> Reply:
    return Reply(400, Headers(), body, 0.0)
