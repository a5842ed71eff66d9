"""What the tests of the reader say often."""

from __future__ import annotations

import pytest

from molam_sdk._core.wire import Failure
from molam_sdk._http.error import NoReplyError
from molam_sdk._http.reader import AnswerReader

LIMIT = 4096


def head(*fields: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    """A head spelled out."""
    return "\r\n".join([status, *fields, "", ""]).encode("latin-1")


def answered(*pieces: bytes, method: str = "POST") -> AnswerReader:
    """A reader whose answer is complete with the last of these pieces."""
    reader = AnswerReader(LIMIT, method=method)
    assert [reader.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    return reader


def waiting(*pieces: bytes) -> AnswerReader:
    """A reader that wants more."""
    reader = AnswerReader(LIMIT)
    assert not any(reader.feed(piece) for piece in pieces)
    return reader


def refused(*pieces: bytes, failure: Failure = Failure.MALFORMED) -> AnswerReader:
    """A reader that refused the last of these pieces, without waiting for more."""
    reader = waiting(*pieces[:-1])
    with pytest.raises(NoReplyError) as caught:
        reader.feed(pieces[-1])
    assert caught.value.failure is failure
    return reader
