"""Answers, likely and unlikely, for Hypothesis to choose from."""

from __future__ import annotations

import gzip
import json

from hypothesis import strategies as st

from tests.support.http_server import INTENT

JSON = json.dumps(INTENT).encode()

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


def spelled_out(version: bytes, status: bytes, lines: list[bytes], body: bytes, counted: bool) -> bytes:
    lines = [*lines, b"Content-Length: %d" % len(body)] if counted else lines
    return b"\r\n".join([b"HTTP/1." + version + b" " + status + b" X", *lines, b"", b""]) + body


answers = st.one_of(
    st.binary(max_size=200),
    st.builds(spelled_out, st.sampled_from([b"0", b"1", b"2"]), statuses, st.lists(fields, max_size=5), bodies,
              st.booleans()),
)  # fmt: skip
