"""Bodies, decoded under their bound: the same in whatever pieces they come."""

from __future__ import annotations

import gzip
import zlib

import pytest

from molam_sdk._core.wire import Failure
from molam_sdk._http.body import Body, body_for
from molam_sdk._http.error import NoReplyError

TEXT = b"0123456789" * 10
RAW = zlib.compress(TEXT)[2:-4]


def zipped(data: bytes, level: int = 9) -> bytes:
    """Without the time, which would make other test names in every worker."""
    return gzip.compress(data, level, mtime=0)


def fed(body: Body, data: bytes, size: int) -> bytes:
    for at in range(0, len(data), size):
        body.feed(data[at : at + size])
    return body.finish()


def failure(coding: str, data: bytes, size: int, limit: int = 1000) -> Failure:
    with pytest.raises(NoReplyError) as caught:
        fed(body_for(coding, limit), data, size)
    return caught.value.failure


SIZES = pytest.mark.parametrize("size", [1, 2, 7, 10_000])


@SIZES
@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("", TEXT), ("identity", TEXT), ("gzip", zipped(TEXT)), ("GZip", zipped(TEXT)),
        ("x-gzip", zipped(TEXT)), ("gzip", zipped(TEXT[:30]) + zipped(TEXT[30:])),
        ("deflate", zlib.compress(TEXT)), ("deflate", RAW),
    ],
)  # fmt: skip
def test_a_body_is_decoded(coding: str, data: bytes, size: int) -> None:
    assert fed(body_for(coding, len(TEXT)), data, size) == TEXT


@SIZES
@pytest.mark.parametrize(
    ("coding", "data"),
    [("", TEXT), ("gzip", zipped(TEXT)), ("deflate", zlib.compress(TEXT)), ("deflate", RAW)],
)
def test_one_byte_past_the_bound_is_too_much(coding: str, data: bytes, size: int) -> None:
    assert failure(coding, data, size, len(TEXT) - 1) is Failure.TOO_LARGE


@SIZES
def test_the_bound_is_met_before_an_error_behind_it(size: int) -> None:
    broken = zipped(TEXT, 0)[:80] + b"\xff" * 40
    assert failure("gzip", zipped(TEXT)[:-8] + b"\0" * 8, size, 50) is Failure.TOO_LARGE
    assert failure("gzip", broken + zipped(b""), size, 20) is Failure.TOO_LARGE


@SIZES
@pytest.mark.parametrize(
    ("coding", "data", "expected"),
    [
        ("gzip", zipped(TEXT)[:-3], Failure.INCOMPLETE),
        ("gzip", zipped(TEXT)[:1], Failure.INCOMPLETE),
        ("gzip", zipped(TEXT) + b"\x1f", Failure.INCOMPLETE),
        ("deflate", b"\x78", Failure.INCOMPLETE),
        ("gzip", TEXT, Failure.MALFORMED),
        ("gzip", zipped(TEXT)[:-8] + b"\0" * 8, Failure.MALFORMED),
        ("gzip", zipped(TEXT) + b"xx", Failure.MALFORMED),
        ("deflate", zlib.compress(TEXT) + b"xx", Failure.MALFORMED),
    ],
)
def test_a_body_that_cannot_be_decoded_says_why(coding: str, data: bytes, size: int, expected: Failure) -> None:
    assert failure(coding, data, size) is expected


@pytest.mark.parametrize("data", [b"\x03\x00", zlib.compress(b"")])
def test_nothing_deflated_is_an_empty_body(data: bytes) -> None:
    assert fed(body_for("deflate", 10), data, 1) == b""


@pytest.mark.parametrize("coding", ["gzip", "deflate", ""])
def test_no_body_is_an_empty_one(coding: str) -> None:
    assert body_for(coding, 10).finish() == b""


@pytest.mark.parametrize(
    "coding", ["br", "gzip, gzip", "gzip,", "gzip\xa0", "\x85gzip", "\x0bgzip", "gzip ", "x" * 9000]
)
def test_a_coding_that_was_not_asked_for_is_refused(coding: str) -> None:
    with pytest.raises(NoReplyError) as caught:
        body_for(coding, 10)
    assert caught.value.failure is Failure.MALFORMED
    assert len(caught.value.detail) < 120


def test_a_bomb_costs_what_the_bound_says() -> None:
    body = body_for("gzip", 1_000_000)
    with pytest.raises(NoReplyError, match="larger than 1000000 bytes"):
        body.feed(zipped(b"\0" * 50_000_000, 9))
