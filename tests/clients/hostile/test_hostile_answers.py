"""Answers that lie, break, bloat or lead astray: each ends in a MolamError that tells the truth."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import MolamError, NetworkError, RedirectError, ResponseError
from tests.support.caller import Caller
from tests.support.http_server import INTENT, ORDER, Serve, created, http, then_close

JSON = http(201, INTENT).partition(b"\r\n\r\n")[2]


def raw(*fields: str, body: bytes = JSON, status: str = "HTTP/1.1 201 X", length: bool = True) -> bytes:
    """An answer spelled out, under Molam's request id."""
    counted = [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([status, "X-Molam-Request-Id: req_1", *fields, *counted, "", ""]).encode("latin-1") + body


@dataclass(frozen=True)
class Row:
    """What comes, and how a create must end: None for the error means that it succeeds."""

    answer: bytes
    ends: type[MolamError] | None
    outcome: str | None


OK = Row(raw(), None, None)
UNREADABLE: tuple[Any, Any] = (ResponseError, "accepted")
STRANGE: tuple[Any, Any] = (ResponseError, "unknown")
NOT_HTTP: tuple[Any, Any] = (ResponseError, "unknown")
BROKEN: tuple[Any, Any] = (NetworkError, "accepted")
CHUNKED = ("Transfer-Encoding: chunked",)


def chunks(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def unframed(*fields: str, body: bytes) -> bytes:
    return raw(*fields, body=body, length=False)


TABLE = {
    "the answer that all others are measured by": OK,
    # bodies of a 2xx
    "not JSON": Row(raw(body=b"<html>"), *STRANGE),
    "no body": Row(raw(body=b""), *STRANGE),
    "204": Row(raw(status="HTTP/1.1 204 X", length=False, body=b""), *STRANGE),
    "a list": Row(raw(body=b"[1]"), *STRANGE),
    "another shape": Row(raw(body=b'{"id": {"a": 1}}'), *UNREADABLE),
    "null": Row(raw(body=b"null"), *STRANGE),
    "NaN": Row(raw(body=JSON.replace(b"5", b"NaN", 1)), *UNREADABLE),
    "Infinity": Row(raw(body=JSON.replace(b"5", b"-Infinity", 1)), *UNREADABLE),
    "cut JSON of the right length": Row(raw(body=JSON[:-5]), *UNREADABLE),
    "not UTF-8": Row(raw(body=JSON.replace(b"pi_1", b"pi_\xff")), *UNREADABLE),
    "UTF-16": Row(raw(body=JSON.decode().encode("utf-16")), *STRANGE),
    "deeply nested lists": Row(raw(body=b'{"id": ' + b"[" * 200_000), *UNREADABLE),
    "deeply nested objects": Row(raw(body=b'{"a":' * 100_000 + b"1" + b"}" * 100_000), *UNREADABLE),
    "a number of a million digits": Row(raw(body=JSON.replace(b"5", b"9" * 1_000_000, 1)), *UNREADABLE),
    "an amount with a huge exponent": Row(raw(body=JSON.replace(b"5", b"1e999999999", 1)), *UNREADABLE),
    "lone surrogate": Row(raw(body=JSON.replace(b"pi_1", b"\\ud800")), *UNREADABLE),
    # framing
    "chunked": Row(unframed(*CHUNKED, body=chunks(JSON[:7], JSON[7:])), None, None),
    "chunked with extensions and trailers":
        Row(unframed(*CHUNKED, body=b"%x;a=b\r\n%s\r\n0\r\nx: y\r\n\r\n" % (len(JSON), JSON)), None, None),
    "chunked beside a length": Row(raw(*CHUNKED, body=chunks(JSON)), None, None),
    "two equal lengths": Row(raw(f"Content-Length: {len(JSON)}"), None, None),
    "two different lengths": Row(raw("Content-Length: 7"), *UNREADABLE),
    "a negative length": Row(unframed("Content-Length: -1", body=JSON), *UNREADABLE),
    "a length in words": Row(unframed("Content-Length: many", body=JSON), *UNREADABLE),
    "a length of a hundred digits": Row(unframed("Content-Length: " + "9" * 100, body=JSON), *UNREADABLE),
    "shorter than its length": Row(unframed("Content-Length: 9999", body=JSON), *BROKEN),
    "a chunk without a size": Row(unframed(*CHUNKED, body=b"zz\r\n"), *UNREADABLE),
    "a chunk of negative size": Row(unframed(*CHUNKED, body=b"-1\r\n"), *UNREADABLE),
    "a chunk longer than its size": Row(unframed(*CHUNKED, body=b"1\r\nxyz\r\n"), *UNREADABLE),
    "chunks that break off": Row(unframed(*CHUNKED, body=chunks(JSON, end=b"")), *BROKEN),
    "a chunk line of a megabyte": Row(unframed(*CHUNKED, body=b"0" * 1_000_000), *UNREADABLE),
    "a trailer of a megabyte": Row(unframed(*CHUNKED, body=b"0\r\na: " + b"x" * 1_000_000), *UNREADABLE),
    "an unknown transfer coding": Row(raw("Transfer-Encoding: gzip, chunked"), *UNREADABLE),
    "until close": Row(unframed(body=JSON), None, None),
    "HTTP/1.0 until close": Row(raw(status="HTTP/1.0 201 X", length=False), None, None),
    # coding
    "gzip": Row(raw("Content-Encoding: gzip", body=gzip.compress(JSON)), None, None),
    "gzip in two members":
        Row(raw("Content-Encoding: gzip", body=gzip.compress(JSON[:9]) + gzip.compress(JSON[9:])), None, None),
    "deflate": Row(raw("Content-Encoding: deflate", body=zlib.compress(JSON)), None, None),
    "deflate without its wrapper": Row(raw("Content-Encoding: deflate", body=zlib.compress(JSON)[2:-4]), None, None),
    "said to be gzip": Row(raw("Content-Encoding: gzip"), *UNREADABLE),
    "gzip that breaks off": Row(raw("Content-Encoding: gzip", body=gzip.compress(JSON)[:-12]), *BROKEN),
    "gzip with a wrong checksum":
        Row(raw("Content-Encoding: gzip", body=gzip.compress(JSON)[:-8] + b"\0" * 8), *UNREADABLE),
    "a coding nobody asked for": Row(raw("Content-Encoding: br"), *UNREADABLE),
    "a gzip bomb": Row(raw("Content-Encoding: gzip", body=gzip.compress(b"\0" * 30_000_000, 9)), *UNREADABLE),
    "a length past the bound": Row(raw("Content-Length: 99999999", length=False), *UNREADABLE),
    # heads
    "duplicate fields": Row(raw("X-Molam-Request-Id: a", "X-Molam-Request-Id: b"), None, None),
    "no HTTP at all": Row(b"SSH-2.0-OpenSSH_9\r\n", *NOT_HTTP),
    "HTTP/2": Row(raw(status="HTTP/2 201 X"), *NOT_HTTP),
    "a status of four digits": Row(raw(status="HTTP/1.1 2010 X"), *NOT_HTTP),
    "status 999": Row(raw(status="HTTP/1.1 999 X"), *NOT_HTTP),
    "a status in words": Row(raw(status="HTTP/1.1 yes X"), *NOT_HTTP),
    "a field without a colon": Row(raw("nonsense"), *NOT_HTTP),
    "a field with a space in its name": Row(raw("X Y: z"), *NOT_HTTP),
    "a folded field": Row(raw("X: y\r\n z"), *NOT_HTTP),
    "a bare line feed": Row(raw("X: y\nZ: z"), *NOT_HTTP),
    "a null byte": Row(raw("X: \0"), *NOT_HTTP),
    "101 fields": Row(raw(*["a: b"] * 101), *NOT_HTTP),
    "a field of a megabyte": Row(raw("a: " + "b" * 1_000_000), *NOT_HTTP),
    "101": Row(raw(status="HTTP/1.1 101 X"), *NOT_HTTP),
    "a hundred interim answers": Row(b"HTTP/1.1 100 C\r\n\r\n" * 100 + raw(), *NOT_HTTP),
    "two interim answers": Row(b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\n" + raw(), None, None),
    "nothing but an interim answer": Row(b"HTTP/1.1 100 C\r\n\r\n", NetworkError, "unknown"),
    "a head that breaks off": Row(raw()[:30], NetworkError, "unknown"),
}  # fmt: skip


@pytest.mark.parametrize("expected", TABLE.values(), ids=TABLE)
def test_only_a_molam_error_comes_out(caller: Caller, serve: Serve, expected: Row) -> None:
    caller.make(serve(then_close(expected.answer)).url, max_retries=0)
    if expected.ends is None:
        assert caller.call("create_payment_intent", ORDER).id == "pi_1"
        return
    with pytest.raises(MolamError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (type(caught.value), caught.value.outcome) == (expected.ends, expected.outcome)
    assert len(str(caught.value)) < 2000
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_an_error_and_leaks_nothing(caller: Caller, serve: Serve, status: int) -> None:
    elsewhere = serve()
    server = serve(then_close(raw(f"Location: {elsewhere.url}/", status=f"HTTP/1.1 {status} X", body=b"")))
    caller.make(server.url)
    with pytest.raises(RedirectError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (caught.value.outcome, caught.value.status_code) == ("unknown", status)
    assert (elsewhere.connections, len(server.requests)) == (0, 1)


@pytest.mark.parametrize("status", [400, 404, 503])
@pytest.mark.parametrize(
    "body",
    [b"", b"\0\xff", b"[]", b'"x"', b'{"error": null}', b'{"error": []}', b'{"error": {"code": 7, "message": {}}}',
     b'{"error": {"message": "\\ud800\\u001b[31m"}}', b"{" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000,
     b'{"error": "' + b"x" * 1_000_000 + b'"}'],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_any_error_body_makes_an_error_that_can_be_shown(
    caller: Caller, serve: Serve, status: int, body: bytes
) -> None:
    caller.make(serve(usual=then_close(http(status, body))).url, max_retries=0)
    with pytest.raises(MolamError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.outcome == "unknown"  # none of them is Molam's
    str(caught.value).encode()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 2000


def test_a_request_id_is_one_printable_line(caller: Caller, serve: Serve) -> None:
    caller.make(serve(then_close(raw("X-Molam-Request-Id: \x1b[31mreq" + "x" * 9000))).url)
    found = caller.call("create_payment_intent", ORDER).request_id
    assert found is not None
    assert found.isprintable()
    assert len(found) <= 255


def test_the_bound_of_a_body_can_be_set(caller: Caller, serve: Serve) -> None:
    server = serve(usual=created())
    caller.make(server.url, max_body_bytes=len(JSON))
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    caller.make(server.url, max_body_bytes=len(JSON) - 1)
    with pytest.raises(ResponseError, match="larger than") as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.outcome == "accepted"


_BOMB = """
import sys
sys.path.insert(0, sys.argv[3])
from molam_sdk import MolamError
from tests.support.caller import Caller
def peak_kib():  # not ru_maxrss, which begins at the parent's
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
caller = Caller(sys.argv[1])
caller.make(sys.argv[2], max_retries=0, guarded=False)
caller.call("create_payment_intent", {"amount": 5, "currency": "USD"})
before = peak_kib()
for _ in range(3):
    try:
        caller.call("create_payment_intent", {"amount": 5, "currency": "USD"})
    except MolamError as error:
        assert error.outcome == "accepted", error
    else:
        raise SystemExit("a bomb was taken for an answer")
print((peak_kib() - before) / 1024)
caller.close()
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its peak memory from /proc")
@pytest.mark.parametrize("framed", [True, False], ids=["with a length", "chunked"])
def test_a_gzip_bomb_costs_at_most_16_mib(
    client_kind: str, serve: Serve, pytestconfig: pytest.Config, framed: bool
) -> None:
    packed = gzip.compress(b"\0" * 10_000_000, 9) * 100
    coded = ("Content-Encoding: gzip",)
    whole = raw(*coded, body=packed) if framed else unframed(*coded, *CHUNKED, body=chunks(packed))
    server = serve(created(), usual=then_close(whole))
    done = subprocess.run(
        [sys.executable, "-c", _BOMB, client_kind, server.url, str(pytestconfig.rootpath)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    print(f"{done.stdout.strip()} MiB")
    assert float(done.stdout) <= 16
