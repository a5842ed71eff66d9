"""Answers as strange servers, proxies and attackers frame them: each read the same way whole, cut at any byte, and byte
by byte."""

from __future__ import annotations

from typing import Final

import pytest

from molam_sdk._core.wire import Failure
from molam_sdk._http.error import NoReplyError
from molam_sdk._http.reader import AnswerReader
from tests.http.reading import LIMIT, head

OK: Final = "HTTP/1.1 200 OK"
OLD: Final = "HTTP/1.0 200 OK"
NONE: Final = "HTTP/1.1 204 No Content"
TWO: Final = "Content-Length: 2"
CHUNKED: Final = "Transfer-Encoding: chunked"
PIECES: Final = b"2\r\n{}\r\n0\r\n\r\n"

KEPT: Final = (200, b"{}", True)
CLOSED: Final = (200, b"{}", False)
Read = tuple[int, bytes, bool] | Failure


def _sized(*fields: str, status: str = OK) -> bytes:
    return head(*fields, TWO, status=status) + b"{}"


def _chunked(pieces: bytes) -> bytes:
    return head(CHUNKED) + pieces


TRANSFER_ENCODING: Final = [
    *((head(f"Transfer-Encoding:{value}") + PIECES, KEPT) for value in (" chunked", "\tchunked", " CHUNKED  ")),
    *(
        (head(f"Transfer-Encoding:{value}") + PIECES, Failure.MALFORMED)
        for value in ("", " chunked, chunked", " gzip, chunked", " identity", " chunked;q=1", " xchunked", ' "chunked"')
    ),
    *((head(f"Transfer-Encoding: {odd}chunked") + PIECES, Failure.MALFORMED) for odd in "\x0b\x0c\x85\xa0"),
    *((head(f"Transfer-Encoding: chunked{odd}") + PIECES, Failure.MALFORMED) for odd in "\x0b\x1c\x85\xa0"),
    (head("Transfer-Encoding : chunked") + PIECES, Failure.MALFORMED),
    (head(CHUNKED, CHUNKED) + PIECES, Failure.MALFORMED),
    (head(CHUNKED, status=OLD) + PIECES, Failure.MALFORMED),
    (head(CHUNKED, TWO) + PIECES, CLOSED),
    (head("Content-Length: x", CHUNKED) + PIECES, Failure.MALFORMED),
]  # fmt: skip
CONTENT_LENGTH: Final = [
    *((head(f"Content-Length:{value}") + b"{}", KEPT) for value in ("2", " 002", "  2 \t")),
    *((head(f"Content-Length: {value}") + b"{}", CLOSED) for value in ("2, 2", "2 ,\t2", "2,2,2")),
    *(
        (head(f"Content-Length: {value}") + b"{}", Failure.MALFORMED)
        for value in ("", "+2", "-0", "0x2", "2.0", "2,", "2, 3", "02, 2", "1_0", "1e1", "\xb2", "2\xa0", "9" * 40)
    ),
    (head(TWO, TWO) + b"{}", CLOSED),
    (head(TWO, "Content-Length: 3") + b"{}", Failure.MALFORMED),
    (head("Content-Length: 5") + b"{}", Failure.INCOMPLETE),
    (_sized() + b"x", CLOSED),
]
LINES: Final = [
    *(
        (odd, Failure.MALFORMED)
        for odd in (
            _sized("X: a", " folded"), _sized(" folded first"), head("Content-Length:", "\t2") + b"{}",
            _sized("X: a\rb"), _sized("X: a\nb"), _sized("X: a\0b"), _sized("no colon"), _sized(": no name"),
            _sized("\xe9: x"), b"\r\n" + _sized(), _sized().replace(b"\r\n", b"\n"),
            _sized().replace(b"\r\n", b"\r\r\n", 1), _sized("X: " + "a" * 66_000), _sized(*["X: a"] * 100),
            b"<html>the page of a gateway</html>", b"ICY 200 OK\r\n\r\n",
        )
    ),
    (_sized(*["X: a"] * 99), KEPT),
    (_sized("X: \x01"), KEPT),
    *((_sized(status=f"HTTP/1.1 {words}"), KEPT) for words in ("200", "200 ", "200 \xe9t\xe9")),
    *(
        (_sized(status=line), Failure.MALFORMED)
        for line in (
            "HTTP/1.2 200 OK", "HTTP/2 200 OK", "http/1.1 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1 20 OK",
            "HTTP/1.1 2000 OK", "HTTP/1.1 600 OK", "HTTP/1.1 000 OK", "HTTP/1.1 200 O\x01K", "HTTP/1.1\t200 OK",
        )
    ),
]  # fmt: skip
CHUNKS: Final = [
    *(
        (_chunked(size + b"\r\n{}\r\n0\r\n\r\n"), KEPT)
        for size in (b"2;a=b", b'2;a="x;\\"y"', b"2 ; a = b", b"2;a", b"0" * 40 + b"2")
    ),
    *(
        (_chunked(size + b"\r\n{}\r\n0\r\n\r\n"), Failure.MALFORMED)
        for size in (
            *(b"2;a=\xa0b\x00", b'2;a="\n"', b"2;a=b\rc", b"2;", b" 2", b"2 ", b"0x2", b"+2", b"-2", b"1_0", b""),
            *(b"f" * 17, b"2;a=" + b"b" * 5000),
        )
    ),
    *(
        (_chunked(data + b"0\r\n\r\n"), Failure.MALFORMED)
        for data in (b"2\n{}\r\n", b"2\r\n{}\n", b"2\r\n{}x\r\n", b"3\r\n{}\r\n")
    ),
    *(
        (_chunked(b"2\r\n{}\r\n0\r\n" + field + b"\r\n"), KEPT)
        for field in (b"X: y\r\n", b"Content-Length: 9\r\n" * 100)
    ),
    *(
        (_chunked(b"2\r\n{}\r\n0\r\n" + field + b"\r\n"), Failure.MALFORMED)
        for field in (b"xy\r\n", b"X: y\r\n z\r\n", b"X: y\n", b"X : y\r\n", b"X: \0\r\n", b"X: y\r\n" * 101)
    ),
    (_chunked(b"2\r\n{}\r\n000\r\n\r\n"), KEPT),
    (_chunked(b"2\r\n{}\r\n0\r\n"), Failure.INCOMPLETE),
    (_chunked(b"0\r\n\r\n" + _sized()), (200, b"", False)),
]  # fmt: skip
INTERIM: Final = [
    (head(status="HTTP/1.1 103 Early Hints") * 10 + _sized(), KEPT),
    (head(status="HTTP/1.1 103 Early Hints") * 11 + _sized(), Failure.MALFORMED),
    (head(status="HTTP/1.1 199 x") + _sized(), KEPT),
    (head("Content-Length: 5", status="HTTP/1.1 100 Continue") + _sized(), CLOSED),
    (head(status="HTTP/1.0 100 Continue") + _sized(), CLOSED),
    (head(status="HTTP/1.1 101 Switching Protocols") + _sized(), Failure.MALFORMED),
    (head(status="HTTP/1.1 100 Continue"), Failure.INCOMPLETE),
]
WITHOUT_BODY: Final = [
    (head(status=NONE), (204, b"", True)),
    (head("Content-Length: 0", status=NONE), (204, b"", True)),
    (head(TWO, status=NONE) + b"{}", (204, b"", False)),
    (head(CHUNKED, status=NONE) + PIECES, (204, b"", False)),
    (head("Content-Length: x", status=NONE), Failure.MALFORMED),
    (head(status=NONE) + b"{}", (204, b"", False)),
    (head(TWO, status="HTTP/1.1 304 Not Modified"), (304, b"", False)),
    (_sized(status="HTTP/1.1 205 Reset Content"), (205, b"{}", True)),
]
CONNECTION: Final = [
    (_sized(status=OLD), CLOSED),
    *((_sized(f"Connection: {value}", status=OLD), KEPT) for value in ("keep-alive", "Keep-Alive", "x, keep-alive")),
    *(
        (_sized(f"Connection: {value}", status=line), CLOSED)
        for value in ("close", "CLOSE", "keep-alive, close", "close, keep-alive", "x,close", "clo se", "keep-alive\x0b")
        for line in (OK, OLD)
    ),
    (_sized("Connection: keep-alive", "Connection: close", status=OLD), CLOSED),
    (head("Connection: keep-alive", status=OLD) + b"{}", CLOSED),
]
ODDITIES: Final = [*TRANSFER_ENCODING, *CONTENT_LENGTH, *LINES, *CHUNKS, *INTERIM, *WITHOUT_BODY, *CONNECTION]


def _read(*pieces: bytes) -> Read:
    reader = AnswerReader(LIMIT, method="POST")
    try:
        done = [reader.feed(piece) for piece in pieces]
        if not any(done):
            reader.end()
    except NoReplyError as problem:
        return problem.failure
    return reader.status, reader.body, reader.reusable


@pytest.mark.parametrize(("answer", "read"), ODDITIES, ids=[f"{answer[:60]!r}" for answer, _ in ODDITIES])
def test_an_odd_answer_is_read_as_the_rfc_demands_in_whatever_pieces(answer: bytes, read: Read) -> None:
    assert _read(answer) == read
    cuts = range(1, len(answer), max(1, len(answer) // 400))
    assert {_read(answer[:cut], answer[cut:]) for cut in cuts} == {read}
    assert _read(*(answer[each : each + 1] for each in range(len(answer)))) == read
