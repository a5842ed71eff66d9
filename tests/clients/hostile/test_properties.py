"""Whatever bytes come, in whatever pieces: an answer, or a MolamError; never anything else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from molam_sdk import MolamError, PaymentIntent
from molam_sdk._core.retry import parse_retry_after
from molam_sdk._http.error import NoReplyError
from molam_sdk._http.reader import AnswerReader
from tests.clients.caller import Caller, Kind
from tests.clients.hostile.server import INTENT, ORDER, HostileServer, then_close

JSON = json.dumps(INTENT).encode()
LIMIT = 4096

statuses = st.sampled_from(
    [b"200", b"201", b"204", b"302", b"402", b"503", b"100", b"101", b"999", b"20", b"-1", b"\xff"]
)
fields = st.sampled_from([
    b"Content-Length: 5", b"Content-Length: 5, 5", b"Content-Length: 99999999999", b"Content-Length: x",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Content-Encoding: gzip", b"Content-Encoding: deflate",
    b"Content-Encoding: br", b"Connection: close", b"Connection: keep-alive", b"Retry-After: 0", b"Retry-After: x",
    b"Idempotent-Replayed: true", b"X-Molam-Request-Id: \x1b[0m", b"no colon", b": no name", b" folded", b"a: \0",
    b"Location: http://127.0.0.1:1/",
])  # fmt: skip
chunks = st.lists(st.binary(max_size=20), max_size=4).map(
    lambda pieces: b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
)
bodies = st.one_of(
    st.binary(max_size=60),
    chunks,
    st.sampled_from([JSON, JSON[:-1], gzip.compress(JSON), gzip.compress(JSON)[:-3], b"[" * 3000, b"null", b"NaN"]),
    st.binary(max_size=40).map(gzip.compress),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*INTENT, "error"]), inner),
    ).map(lambda value: json.dumps(value).encode()),
)


def _answer(version: bytes, status: bytes, lines: list[bytes], body: bytes, counted: bool) -> bytes:
    lines = [*lines, b"Content-Length: %d" % len(body)] if counted else lines
    return b"\r\n".join([b"HTTP/1." + version + b" " + status + b" X", *lines, b"", b""]) + body


answers = st.one_of(
    st.binary(max_size=200),
    st.builds(_answer, st.sampled_from([b"0", b"1", b"2"]), statuses, st.lists(fields, max_size=5), bodies,
              st.booleans()),
)  # fmt: skip


def _read(pieces: list[bytes]) -> tuple[object, ...]:
    """What a reader makes of these pieces, and whether it is done before their end."""
    reader = AnswerReader(LIMIT)
    try:
        for number, piece in enumerate(pieces):
            if reader.feed(piece):
                return reader.status, dict(reader.headers), reader.body, number == len(pieces) - 1 and reader.reusable
        reader.end()
    except NoReplyError as fault:
        return fault.failure, reader.head_seen
    return reader.status, dict(reader.headers), reader.body


@given(answers, st.lists(st.integers(0, 200), max_size=6))
@settings(max_examples=600, deadline=None)
@example(_answer(b"1", b"200", [b"Content-Encoding: gzip"], gzip.compress(b"\0" * 100_000), True), [30])
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


@given(
    st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, [0-9 ]{1,3} [A-Z][a-z]{2} [0-9]{1,5} [0-9:]{5,9} ?[A-Z+0-9]*")
)
@settings(max_examples=1000, deadline=None)
def test_any_retry_after_is_a_number_of_seconds_or_nothing(text: str) -> None:
    seconds = parse_retry_after(text, 1_800_000_000.0)
    assert seconds is None or seconds >= 0


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with HostileServer() as running:
        yield running


@pytest.fixture(scope="module", params=["sync", "async"])
def connected(request: pytest.FixtureRequest, server: HostileServer) -> Iterator[Caller]:
    kind: Kind = request.param
    caller = Caller(kind)
    caller.make(server.url, max_retries=1, retry_backoff_factor=0.0, timeout_read=0.05, timeout_total=5,
                max_body_bytes=LIMIT, guarded=False)  # fmt: skip
    yield caller
    caller.close()


@given(answers)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_a_molam_error_comes_out_of_a_client(connected: Caller, server: HostileServer, whole: bytes) -> None:
    server.usual = then_close(whole)
    (found,) = connected.together([("create_payment_intent", (ORDER,), {})])
    assert isinstance(found, MolamError | PaymentIntent)
    if isinstance(found, MolamError):
        assert found.outcome in ("rejected", "unknown", "accepted")
        assert str(found).isprintable()
        repr(found)
