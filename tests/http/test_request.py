"""Requests: as bytes, or not at all."""

from __future__ import annotations

import pytest

from molam_sdk._core.wire import Failure
from molam_sdk._http.error import NoReplyError
from molam_sdk._http.request import request_bytes


def sent(
    method: str = "POST",
    target: str = "/v1/x",
    host: str = "api.molam.example",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes | None = None,
) -> bytes:
    return request_bytes(method, target, host, headers, body)


def not_sent(
    method: str = "POST", target: str = "/v1/x", host: str = "a", headers: tuple[tuple[str, str], ...] = ()
) -> str:
    with pytest.raises(NoReplyError) as caught:
        request_bytes(method, target, host, headers, b"{}")
    assert caught.value.failure is Failure.NOT_SENDABLE
    return caught.value.detail


def test_a_request_is_one_piece() -> None:
    assert sent(headers=(("A", "b"), ("X-Empty", "")), body=b"{}") == (
        b"POST /v1/x HTTP/1.1\r\nHost: api.molam.example\r\nA: b\r\nX-Empty: \r\nContent-Length: 2\r\n\r\n{}"
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_request_that_could_have_a_body_says_that_it_has_none(method: str) -> None:
    assert sent(method).endswith(b"\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_other_requests_say_nothing_of_a_body_they_do_not_have(method: str) -> None:
    assert b"Content-Length" not in sent(method)
    assert sent(method, body=b"{}").endswith(b"\r\nContent-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize(
    "name", ["Host", "HOST", "Content-Length", "content-length", "Transfer-Encoding", "tRANSFER-eNCODING"]
)
def test_nobody_replaces_what_says_where_a_request_ends_or_for_whom_it_is(name: str) -> None:
    assert sent(headers=((name, "evil"),), body=b"{}") == sent(body=b"{}")


@pytest.mark.parametrize(
    "value", ["a\r\nB: c", "a\nB: c", "a\rB", "\0", "\r\n", "a\r\n\r\nGET / HTTP/1.1", "a\x0b", "\x1b", "\x7f"]
)
def test_a_value_cannot_leave_its_line(value: str) -> None:
    not_sent(headers=(("A", value),))


@pytest.mark.parametrize(
    "name", ["", "A B", "A:", "A\r\nB", "A: b\r\nC", "A\n", "\0", "É", "A\t", " A", "\ud800", "A\x0b", "Host "]
)
def test_a_name_is_a_token(name: str) -> None:
    not_sent(headers=((name, "b"),))


@pytest.mark.parametrize(
    "target", ["", "/a b", "/a\r\nB: c", "/a\n", "/a\t", "/\0", "/é", "/\ud800", "/a HTTP/1.1\r\nX: y", "/\x7f"]
)
def test_a_target_is_visible_ascii(target: str) -> None:
    not_sent(target=target)


@pytest.mark.parametrize(
    "method", ["", "GET ", "G T", "GET\r\n", "GET / HTTP/1.1\r\nA: b\r\n\r\nGET", "\0", "É", "\ud800"]
)
def test_a_method_is_a_token(method: str) -> None:
    not_sent(method)


@pytest.mark.parametrize("host", ["", "a b", "a\r\nB: c", "a\n", "\0", "é", "\ud800"])
def test_a_host_is_visible_ascii(host: str) -> None:
    not_sent(host=host)


@pytest.mark.parametrize("value", ["\ud800", "a\udcff", "€", "日本", "😀"])
def test_what_is_not_latin_1_is_not_sent(value: str) -> None:
    assert "Latin-1" in not_sent(headers=(("A", value),))


@pytest.mark.parametrize("value", ["é", "a\tb", "ÿ", "\x80", " a "])
def test_latin_1_is(value: str) -> None:
    assert f"\r\nA: {value}\r\n".encode("latin-1") in sent(headers=(("A", value),))


def test_a_detail_shows_nothing_of_a_header() -> None:
    assert "sk_live" not in not_sent(headers=(("Authorization", "Bearer sk_live_1\n"),))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a\nB", "the request's line or a header holds a character that it must not"),
        ("€", "a header holds a character outside Latin-1"),
    ],
)
def test_a_refusal_says_what_is_wrong(value: str, said: str) -> None:
    assert not_sent(headers=(("A", value),)) == said
