"""Heads: what is read in them, what is refused, and how early."""

from __future__ import annotations

import pytest

from molam_sdk._http.head import MAX_HEAD_BYTES, MAX_HEADER_FIELDS
from tests.http.reading import answered, head, refused, waiting

EMPTY = "Content-Length: 0"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("HTTP/1.1 200 OK", 200),
        ("HTTP/1.0 503 Service Unavailable", 503),
        ("HTTP/1.1 402 ", 402),
        ("HTTP/1.1 201", 201),  # the space before an absent reason is left out by many (RFC 9112 §4 lets it pass)
        ("HTTP/1.1 404 Introuvable: déjà\tvu", 404),
        ("HTTP/1.1 599 x", 599),
    ],
)
def test_a_status_line_is_read(line: str, status: int) -> None:
    assert answered(head(EMPTY, status=line)).status == status


@pytest.mark.parametrize(
    "line",
    [
        "HTTP/2 200 OK", "HTTP/1.2 200 OK", "http/1.1 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1\t200 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 20 OK", "HTTP/1.1 099 OK", "HTTP/1.1 600 OK", "HTTP/1.1 ²00 OK", "HTTP/1.1 200OK", " HTTP/1.1 200 OK",
        "HTTP/1.1 200 a\0b", "HTTP/1.1 200 a\x0bb", "HTTP/1.1 200 \x7f", "HTTP/1.1 200\x0cOK",
        "HTTP/1.1 101 Switching", "",
    ],
)  # fmt: skip
def test_a_line_that_is_no_status_line_is_refused(line: str) -> None:
    refused(head(EMPTY, status=line))


@pytest.mark.parametrize(
    "begun",
    [
        b"S", b"HTTP/2", b"HTTP/1.1 6", b"HTTP/1.1 20x", b"HTTP/1.1 2000", b"\r", b"\n", b"HTTP/1.1\r",
        b"HTTP/1.1 200\n",
        b"HTTP/1.1 200 OK\n", b"HTTP/1.1 200 OK\rA", b"HTTP/1.1 200 OK\r\nA: b\n",
        b"HTTP/1.1 200 OK\r\nA\x00", b"HTTP/1.1 200 OK\r\nA: \x00", b"HTTP/1.1 200 OK\r\nA: b\r\r",
    ],
)  # fmt: skip
def test_what_can_no_longer_become_a_head_is_refused_at_once(begun: bytes) -> None:
    refused(begun)
    refused(*[begun[at : at + 1] for at in range(len(begun))])


@pytest.mark.parametrize("size", range(1, 40))
def test_a_head_that_may_still_come_is_waited_for(size: int) -> None:
    waiting(head("A: b", "C: d")[:size])


def test_fields_are_read_without_the_spaces_and_tabs_around_them() -> None:
    reader = answered(head(EMPTY, "A:b", "B: \t c d \t", "C:", "D: \t ", "A: e", "X-É: x".replace("É", "e")))
    assert dict(reader.headers) == {
        "Content-Length": "0", "A": "b, e", "B": "c d", "C": "", "D": "", "X-e": "x",
    }  # fmt: skip


@pytest.mark.parametrize("odd", ["\xa0", "\x85", "\x0b", "\x0c", "\x1c", "\x1f", "\x1b[0m", "\x7f", "é"])
def test_other_characters_belong_to_the_value_and_lose_no_answer(odd: str) -> None:
    assert answered(head(EMPTY, f"A: {odd}b{odd}")).headers["a"] == f"{odd}b{odd}"


@pytest.mark.parametrize(
    "line",
    [
        "no colon", ": no name", " folded", "\tfolded: x", "A : b", "A\t: b", "A B: c", "A\x0b: b", "É: b", "(A): b",
        "A\0: b",
        "A: \0", "A: b\rC: d", "A: b\nC: d", "A: b\r", "A: b\n", "A: b\r\n c", "A: b\n\r", "\xa0A: b", '"A": b',
    ],
)  # fmt: skip
@pytest.mark.parametrize("last", [True, False])
def test_a_line_that_is_no_field_is_refused(line: str, last: bool) -> None:
    refused(head(*([EMPTY, line] if last else [line, EMPTY])))


def test_a_head_may_be_so_large_and_no_larger_in_whatever_pieces() -> None:
    fill = MAX_HEAD_BYTES - len(head(EMPTY, "A: ")) + 4
    largest, larger = head(EMPTY, "A: " + "x" * fill), head(EMPTY, "A: " + "x" * (fill + 1))
    answered(largest)
    answered(largest[:-1], largest[-1:])
    answered(largest[:-4], largest[-4:-2], largest[-2:])
    refused(larger)
    refused(larger[:-5], larger[-5:])


def test_a_head_may_have_so_many_fields_and_no_more() -> None:
    answered(head(EMPTY, *["a: b"] * (MAX_HEADER_FIELDS - 1)))
    refused(head(EMPTY, *["a: b"] * MAX_HEADER_FIELDS))


@pytest.mark.parametrize(
    ("version", "connection", "reusable"),
    [
        ("1.1", None, True),
        ("1.1", "keep-alive", True),
        ("1.1", "", True),
        ("1.1", "te, , x", True),
        ("1.1", "close", False),
        ("1.1", "Close", False),
        ("1.1", "close, keep-alive", False),
        ("1.1", "keep-alive,\tclose", False),
        ("1.1", "keep-alive;x", False),  # no list of options: what it says is not known
        ("1.1", "close\xa0", False),
        ("1.1", "\x0bclose", False),
        ("1.0", None, False),
        ("1.0", "", False),
        ("1.0", "x", False),
        ("1.0", "keep-alive", True),
        ("1.0", "Keep-Alive", True),
        ("1.0", "close, keep-alive", False),
        ("1.0", "keep-alive, close", False),
        ("1.0", "keep-alive-not", False),
    ],
)
def test_a_connection_stays_as_its_options_say(version: str, connection: str | None, reusable: bool) -> None:
    fields = [] if connection is None else [f"Connection: {connection}"]
    assert answered(head(EMPTY, *fields, status=f"HTTP/{version} 200 OK")).reusable is reusable


def test_connection_options_of_several_fields_count_together() -> None:
    assert not answered(head(EMPTY, "Connection: keep-alive", "Connection: close")).reusable


def test_a_value_of_nothing_but_spaces_is_walked_once() -> None:
    for line in ("A:" + " " * 60_000 + "b", "A:" + " " * 60_000, "A: b" + "\t" * 60_000, "A" + "\t" * 60_000):
        reader = waiting(head(EMPTY, line)[:-4])
        if line[1] == ":":
            assert reader.feed(b"\r\n\r\n")
