"""Where a body ends: by its length, by its chunks, at the close, or at once."""

from __future__ import annotations

import pytest

from molam_sdk._core.wire import Failure
from molam_sdk._http.error import NoReplyError
from tests.http.reading import LIMIT, answered, head, refused, waiting

CHUNKED = head("Transfer-Encoding: chunked")


@pytest.mark.parametrize("text", ["3", "03", "3, 3", "3,3", "3 \t,\t3", "3, 3, 3", " 3\t", "000000000000000003"])
def test_a_length_is_one_number_said_any_number_of_times(text: str) -> None:
    assert answered(head(f"Content-Length: {text}") + b"abc").body == b"abc"


@pytest.mark.parametrize(
    "text",
    [
        "", "+3", "-3", "3,", ",3", "3,,3", "3, 4", "3, 03", "3 3", "3;", "3.0", "0x3", "3e0", "1_0", "²", "three",
        "9" * 19,
        "\xa03", "3\xa0", "3\x85", "\x0b3", "3\x0c", "3\x1c", "3\x1f", "3\xa0,\xa03", "3,\x0b3", "3\x7f", "3\x01",
    ],
)  # fmt: skip
@pytest.mark.parametrize("coded", [True, False])
def test_anything_else_is_no_length(text: str, coded: bool) -> None:
    reader = refused(head(f"Content-Length: {text}", *(["Transfer-Encoding: chunked"] if coded else [])) + b"abc")
    assert reader.head_seen


def test_a_length_said_twice_ends_the_connection() -> None:
    assert answered(head("Content-Length: 1") + b"a").reusable
    assert not answered(head("Content-Length: 1", "Content-Length: 1") + b"a").reusable


def test_a_body_comes_in_any_pieces() -> None:
    reader = answered(head("Content-Length: 5"), b"ab", b"", b"c", b"de")
    assert (reader.body, reader.reusable) == (b"abcde", True)


def test_a_length_past_the_bound_is_refused_before_the_body_comes() -> None:
    answered(head(f"Content-Length: {LIMIT}") + b"x" * LIMIT)
    assert refused(head(f"Content-Length: {LIMIT + 1}"), failure=Failure.TOO_LARGE).head_seen


def test_a_body_without_length_ends_at_the_close_and_with_the_connection() -> None:
    reader = waiting(head(), b"ab", b"c")
    reader.end()
    assert (reader.body, reader.reusable) == (b"abc", False)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        head("Content-Length: 3") + b"ab",
        CHUNKED + b"3\r\nabc\r\n",
        CHUNKED + b"0\r\nA: b\r\n",
    ],
)
def test_a_close_before_the_end_is_incomplete(begun: bytes) -> None:
    with pytest.raises(NoReplyError) as caught:
        waiting(begun).end()
    assert caught.value.failure is Failure.INCOMPLETE


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_ends_with_its_head(status: int) -> None:
    reader = answered(head(status=f"HTTP/1.1 {status} x"))
    assert (reader.body, reader.reusable) == (b"", True)
    assert answered(head("Content-Length: 0", status=f"HTTP/1.1 {status} x")).reusable


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("field", ["Content-Length: 5", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip"])
def test_a_body_that_must_not_come_but_is_announced_ends_the_connection(status: int, field: str) -> None:
    reader = answered(head(field, status=f"HTTP/1.1 {status} x"))
    assert (reader.body, reader.reusable) == (b"", False)


@pytest.mark.parametrize("coding", ["chunked", "Chunked", "CHUNKED", " chunked\t"])
def test_chunks_are_put_together(coding: str) -> None:
    reader = answered(head(f"Transfer-Encoding:{coding}"), b"3\r\nabc\r\nA\r\n0123456789\r\n000\r\n\r\n")
    assert (reader.body, reader.reusable) == (b"abc0123456789", True)


@pytest.mark.parametrize(
    "coding",
    ["", "gzip", "identity", "gzip, chunked", "chunked, chunked", "chunked, gzip", "chunked,", ", chunked", "xchunked",
     "chunked;q=1", "\xa0chunked", "chunked\x85", "\x0bchunked", "chunked\x1c", "chunked\x00"],
)  # fmt: skip
def test_any_other_transfer_coding_is_refused(coding: str) -> None:
    refused(head(f"Transfer-Encoding: {coding}") + b"0\r\n\r\n")


def test_a_coding_said_twice_is_refused() -> None:
    refused(head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + b"0\r\n\r\n")


def test_http_1_0_has_no_chunks() -> None:
    refused(head("Transfer-Encoding: chunked", status="HTTP/1.0 200 OK") + b"0\r\n\r\n")


def test_chunks_beside_a_length_win_and_end_the_connection() -> None:
    reader = answered(head("Content-Length: 1", "Transfer-Encoding: chunked") + b"2\r\nab\r\n0\r\n\r\n")
    assert (reader.body, reader.reusable) == (b"ab", False)


@pytest.mark.parametrize(
    "extension",
    [b";a", b";a=b", b";a;b=c", b" ;a", b"\t; a = b", b';a="b"', b';a="b;\\"\\\\ c\t\xe9"', b';a=""'],
)
def test_chunk_extensions_are_passed_over(extension: bytes) -> None:
    """The whitespace around them too, which RFC 9112 §7.1.1 calls bad and has a recipient remove."""
    assert answered(CHUNKED + b"3" + extension + b"\r\nabc\r\n0" + extension + b"\r\n\r\n").body == b"abc"


@pytest.mark.parametrize(
    "line",
    [
        b"", b" 3", b"\t3", b"3 ", b"3\t", b"+3", b"-3", b"0x3", b"3h", b"x", b"3;", b"3;=b", b"3;a=", b'3;a="b',
        b"3;a b", b"3 a",
        b"3;a\x00", b"3;a\rb", b"3;a\nb", b"3;a=\x0b", b'3;a="\x00"', b'3;a="\r"', b'3;a="\n"', b"3;\xa0a", b"\xa03",
        b"3\xa0", b"3\x0b",
        b"1" + b"0" * 15, b"\xb3",
    ],
)  # fmt: skip
def test_a_line_that_is_no_chunk_size_is_refused(line: bytes) -> None:
    refused(CHUNKED, line + b"\r\nabc\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "begun", [b"x", b" ", b"-", b"3\n", b"3x", b"3\ra", b"3;a\x00", b"3;a\n", b"3\r\nabcd", b"3\r\nabc\n", b"\r"]
)
def test_what_can_no_longer_become_a_chunk_is_refused_at_once(begun: bytes) -> None:
    refused(CHUNKED, *[begun[at : at + 1] for at in range(len(begun))])


def test_a_chunk_line_may_be_so_long_and_no_longer_in_whatever_pieces() -> None:
    longest, longer = b"0;" + b"x" * 4094 + b"\r\n", b"0;" + b"x" * 4095 + b"\r\n"
    answered(CHUNKED, longest + b"\r\n")
    answered(CHUNKED, longest[:-1], longest[-1:], b"\r\n")
    refused(CHUNKED, longer + b"\r\n")
    refused(CHUNKED, longer[:-2], longer[-2:])


def test_a_chunk_past_the_bound_is_refused_before_it_comes() -> None:
    refused(CHUNKED + b"%x\r\n" % (LIMIT + 1), failure=Failure.TOO_LARGE)
    refused(CHUNKED + b"1\r\nx\r\n" + b"%x\r\n" % LIMIT + b"x" * LIMIT, failure=Failure.TOO_LARGE)


def test_trailers_are_left_out() -> None:
    reader = answered(CHUNKED + b"1\r\na\r\n0\r\nContent-Length: 7\r\nA:\r\n\r\n")
    assert (reader.body, dict(reader.headers), reader.reusable) == (b"a", {"Transfer-Encoding": "chunked"}, True)


@pytest.mark.parametrize(
    "line",
    [
        b"no field",
        b" A: b",
        b"A : b",
        b": b",
        b"A: \x00",
        b"A: \rb",
        b"A: \nb",
        b"A: \x0b",
        b"\xa0",
        b"A\n",
        b"\n",
        b"A: b\x7f",
        b"\x00",
    ],
)
def test_a_trailer_that_is_no_field_is_refused(line: bytes) -> None:
    refused(CHUNKED, b"0\r\n" + line + b"\r\n\r\n")


@pytest.mark.parametrize("begun", [b" ", b"\x00", b"\n", b"A ", b":", b"A: b\n", b"A: b\rc", b"\rx", b"A\r"])
def test_what_can_no_longer_become_a_trailer_is_refused_at_once(begun: bytes) -> None:
    refused(CHUNKED + b"0\r\n", *[begun[at : at + 1] for at in range(len(begun))])


def test_there_may_be_so_many_trailers_and_no_more() -> None:
    answered(CHUNKED + b"0\r\n" + b"a: b\r\n" * 100 + b"\r\n")
    refused(CHUNKED + b"0\r\n" + b"a: b\r\n" * 101)
