"""One answer, in whatever pieces it comes, and nothing after it taken for another."""

from __future__ import annotations

import gc
import gzip
import weakref
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from molam_sdk._http.error import NoReplyError
from molam_sdk._http.head import MAX_HEAD_BYTES
from molam_sdk._http.reader import MAX_INTERIM_ANSWERS, AnswerReader
from tests.http.reading import LIMIT, answered, head, refused
from tests.http.strategies import answers, spelled_out

ANSWER = head("Content-Length: 2") + b"{}"
CHUNKED = head("Transfer-Encoding: chunked")
DEFLATED = head("Content-Encoding: deflate")
CONTINUE = head(status="HTTP/1.1 100 Continue")


def test_nothing_is_known_before_the_head_is() -> None:
    reader = AnswerReader(LIMIT)
    reader.feed(ANSWER[:20])
    assert (reader.head_seen, reader.status, dict(reader.headers), reader.reusable) == (False, 0, {}, False)


def test_a_head_is_known_before_its_body() -> None:
    reader = AnswerReader(LIMIT)
    assert not reader.feed(ANSWER[:-1])
    assert (reader.head_seen, reader.status, reader.headers["content-length"]) == (True, 200, "2")


@pytest.mark.parametrize("stray", [b"\r\n", b"x", ANSWER])
def test_a_connection_with_more_on_it_than_the_answer_is_not_used_again(stray: bytes) -> None:
    assert answered(ANSWER).reusable
    assert not answered(ANSWER + stray).reusable
    late = answered(ANSWER)
    assert late.feed(stray)
    assert (late.body, late.reusable) == (b"{}", False)


def test_interim_answers_are_passed_over() -> None:
    hints = head("Link: x", status="HTTP/1.1 103 Early Hints")
    reader = answered(CONTINUE + hints[:9], hints[9:], ANSWER)
    assert (reader.status, dict(reader.headers), reader.reusable) == (200, {"Content-Length": "2"}, True)


def test_so_many_interim_answers_and_no_more() -> None:
    answered(CONTINUE * MAX_INTERIM_ANSWERS + ANSWER)
    refused(CONTINUE * (MAX_INTERIM_ANSWERS + 1) + ANSWER)


def test_another_protocol_is_refused() -> None:
    refused(head("Upgrade: x", "Connection: upgrade", status="HTTP/1.1 101 Switching Protocols"))


@pytest.mark.parametrize("field", ["Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close"])
def test_an_interim_answer_that_speaks_of_a_body_or_of_closing_ends_the_connection(field: str) -> None:
    reader = answered(head(field, status="HTTP/1.1 103 x") + ANSWER)
    assert (reader.status, reader.body, reader.reusable) == (200, b"{}", False)


@pytest.mark.parametrize(
    "fields",
    [[], ["Content-Length: 5"], ["Content-Length: x"], ["Transfer-Encoding: chunked"], ["Content-Encoding: br"],
     ["Connection: close"]],
)  # fmt: skip
def test_the_answer_to_connect_is_its_head_whatever_it_says_of_a_body(fields: list[str]) -> None:
    for version in ("1.0", "1.1"):
        reader = answered(head(*fields, status=f"HTTP/{version} 200 Connection established"), method="CONNECT")
        assert (reader.status, reader.body, reader.reusable) == (200, b"", True)


def test_bytes_in_a_tunnel_before_we_spoke_are_noticed() -> None:
    assert not answered(head() + b"\x16", method="CONNECT").reusable


@pytest.mark.parametrize("fields", [["Content-Length: 5"], ["Content-Encoding: br"], ["Content-Length: x"]])
def test_a_refused_connect_tells_its_status_and_leaves_no_tunnel(fields: list[str]) -> None:
    reader = answered(head(*fields, status="HTTP/1.1 407 Proxy Authentication Required"), method="CONNECT")
    assert (reader.status, reader.reusable) == (407, False)


def test_interim_answers_to_connect_are_passed_over() -> None:
    assert answered(CONTINUE + head(), method="CONNECT").status == 200


class WatchedReader(AnswerReader):
    """One that can be seen to go."""

    __slots__ = ("__weakref__",)


@pytest.mark.parametrize(
    "framed", [b"Content-Length: 1\r\n\r\na", b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"]
)
def test_a_reader_is_freed_without_the_garbage_collector(framed: bytes) -> None:
    collected = gc.isenabled()
    gc.disable()
    try:
        reader = WatchedReader(LIMIT)
        complete, gone = reader.feed(b"HTTP/1.1 200 OK\r\n" + framed), weakref.ref(reader)
        del reader
        assert (complete, gone()) == (True, None)
    finally:
        if collected:
            gc.enable()


def _read(pieces: list[bytes]) -> tuple[object, ...]:
    """What a reader makes of these pieces, and whether it is done before their end."""
    reader = AnswerReader(LIMIT)
    try:
        for number, piece in enumerate(pieces):
            if reader.feed(piece):
                return reader.status, dict(reader.headers), reader.body, number == len(pieces) - 1 and reader.reusable
        reader.end()
    except NoReplyError as problem:
        return problem.failure, reader.head_seen
    return reader.status, dict(reader.headers), reader.body


@given(answers, st.lists(st.integers(0, 200), max_size=6))
@settings(max_examples=600, deadline=None)
@example(spelled_out(b"1", b"200", [b"Content-Encoding: gzip"], gzip.compress(b"\0" * 100_000), True), [30])
def test_the_reader_answers_or_faults_and_never_holds_more_than_its_limit(whole: bytes, cuts: list[int]) -> None:
    ends = sorted(cut for cut in cuts if cut < len(whole))
    pieces = [whole[a:b] for a, b in zip([0, *ends], [*ends, len(whole)], strict=True)]
    found = _read(pieces)
    if isinstance(found[0], int):
        assert len(found[2]) <= LIMIT  # type: ignore[arg-type]  # the body
        assert 200 <= found[0] < 600


@given(answers, st.integers(1, 7))
@settings(max_examples=300, deadline=None)
def test_a_reader_makes_the_same_of_the_same_bytes_in_other_pieces(whole: bytes, size: int) -> None:
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    assert _read([whole])[:3] == _read(pieces)[:3]


# What a merchant reads of an answer that cannot be believed: the log has nothing else to go by.
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/2 200", "the answer is not HTTP/1.1"),
        (head("A: \x00")[:-4] + b"\n", "the answer's head holds a stray line break or a null byte"),
        (head("Content-Length: 1, 2"), "the answer's Content-Length is not one number"),
        (head("Content-Length: 9", "no colon"), "the answer's head holds a line that is no header field"),
        (head(*["a: b"] * 101), "the answer has more than 100 header fields"),
        (head("A: " + "x" * 65_536), "the answer's head is larger than 65536 bytes"),
        (head("Transfer-Encoding: gzip"), "unknown Transfer-Encoding 'gzip'"),
        (head("Content-Encoding: br"), "the answer's Content-Encoding 'br' was not asked for"),
        (head("Content-Length: 4097"), "the answer's body is larger than 4096 bytes"),
        (head(status="HTTP/1.1 101 Switching Protocols"), "unexpected 101 answers"),
        (CONTINUE * 11, "unexpected 100 answers"),
        (CHUNKED + b"1001\r\n", "the answer's body is larger than 4096 bytes"),
        (CHUNKED + b"zz", "between the answer's chunks stands a line without end or sense"),
        (CHUNKED + b"1;=\r\n", "between the answer's chunks stands neither a size nor a trailer"),
        (CHUNKED + b"1\r\nab", "a chunk is longer than its size"),
        (CHUNKED + b"0\r\n" + b"a: b\r\n" * 101, "the answer has more than 100 trailer fields"),
        (DEFLATED + zlib.compress(b"a") + b"b", "bytes follow the end of the compressed body"),
    ],
)
def test_a_refusal_says_what_is_wrong(answer: bytes, said: str) -> None:
    with pytest.raises(NoReplyError) as caught:
        AnswerReader(LIMIT).feed(answer)
    assert (caught.value.detail, str(caught.value)) == (said, said)
    assert (caught.value.status, caught.value.headers) == (None, None)


def test_what_zlib_says_of_a_body_is_handed_on() -> None:
    with pytest.raises(NoReplyError) as caught:
        AnswerReader(LIMIT).feed(head("Content-Encoding: gzip", "Content-Length: 9") + b"not a zip")
    assert caught.value.detail == f"the answer's body cannot be decompressed: {caught.value.__cause__}"
    assert "incorrect header check" in caught.value.detail


def test_an_answer_that_ends_early_is_told_as_that() -> None:
    reader = AnswerReader(LIMIT)
    reader.feed(ANSWER[:-1])
    with pytest.raises(NoReplyError, match=r"^the connection closed before the answer was complete$"):
        reader.end()


@pytest.mark.parametrize(("status", "stands"), [(199, None), (200, True), (299, True), (300, False), (407, False)])
def test_a_tunnel_stands_after_a_2xx_alone(status: int, stands: bool | None) -> None:
    reader = AnswerReader(0, method="CONNECT")
    assert reader.feed(head(status=f"HTTP/1.1 {status} x")) is (stands is not None)
    assert reader.reusable is bool(stands)


def test_a_head_that_never_ends_is_refused_as_too_large_while_it_comes() -> None:
    reader = AnswerReader(LIMIT)
    assert not reader.feed(b"HTTP/1.1 200 OK\r\nA: " + b"x" * (MAX_HEAD_BYTES - 17))
    with pytest.raises(NoReplyError, match="larger than 65536 bytes"):
        reader.feed(b"x")
