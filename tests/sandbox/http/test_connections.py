"""Faults as a bare socket feels them."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS

BODY = json.dumps({"amount": 1, "currency": "USD"}).encode()


@dataclass
class Heard:
    """What came back: the bytes, when each piece came (seconds), and how it ended (`end` or `reset`)."""

    data: bytes
    moments: list[float]
    ended: str

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]

    @property
    def promised(self) -> int:
        head = self.data.partition(b"\r\n\r\n")[0].lower()
        return int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])


def speak(sandbox: Sandbox, key: str = "k1", body: bytes = BODY) -> Heard:
    """Create an intent over a bare socket and listen until the other side is done."""
    parts = urlsplit(sandbox.url)
    head = (
        f"POST {INTENTS} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {sandbox.api_key}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    heard, moments, began = b"", [], time.monotonic()
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as peer:
        peer.sendall(head.encode() + body)
        try:
            while piece := peer.recv(65536):
                heard += piece
                moments.append(time.monotonic() - began)
        except ConnectionResetError:
            return Heard(heard, moments, "reset")
    return Heard(heard, moments, "end")


@pytest.mark.parametrize(
    ("kind", "commit", "ended", "executed"),
    [
        ("drop_before", False, "end", 0),
        ("drop_after_commit", False, "end", 1),
        ("reset", False, "reset", 0),
        ("reset", True, "reset", 1),
    ],
)
def test_a_connection_that_is_cut_says_nothing_and_the_ledger_says_all(
    sandbox: Sandbox, kind: str, commit: bool, ended: str, executed: int
) -> None:
    sandbox.faults.add(kind=kind, commit=commit, times=1)
    heard = speak(sandbox)
    assert (heard.data, heard.ended) == (b"", ended)
    assert sandbox.ledger.executions(idempotency_key="k1") == executed
    assert speak(sandbox).data.startswith(b"HTTP/1.1 201")
    assert sandbox.ledger.executions(idempotency_key="k1") == 1


@pytest.mark.parametrize(("size", "kept"), [(None, None), (0, 0), (7, 7), (10**6, -1)])
def test_truncation_promises_more_than_it_sends(sandbox: Sandbox, size: int | None, kept: int | None) -> None:
    sandbox.faults.truncate(size, times=1)
    heard = speak(sandbox)
    expected = heard.promised // 2 if kept is None else kept if kept >= 0 else heard.promised - 1
    assert len(heard.body) == expected < heard.promised
    assert sandbox.ledger.executions(idempotency_key="k1") == 1


def test_garbage_is_a_200_whose_body_is_no_json(sandbox: Sandbox) -> None:
    sandbox.faults.garbage(times=1)
    heard = speak(sandbox)
    assert heard.data.startswith(b"HTTP/1.1 200 OK")
    assert len(heard.body) == heard.promised
    with pytest.raises(ValueError, match=r"."):
        json.loads(heard.body)
    assert sandbox.ledger.executions(idempotency_key="k1") == 1


def test_dripped_headers_come_byte_by_byte(sandbox: Sandbox) -> None:
    sandbox.faults.drip_headers(0.001, times=1)
    heard = speak(sandbox)
    assert len(heard.moments) > 100
    assert heard.data.startswith(b"HTTP/1.1 201 Created\r\n")
    assert json.loads(heard.body)["status"] == "requires_confirmation"


def test_a_dripped_body_comes_after_whole_headers(sandbox: Sandbox) -> None:
    sandbox.faults.drip_body(0.002, times=1)
    heard = speak(sandbox)
    assert heard.moments[-1] - heard.moments[0] > 0.002 * len(heard.body) / 2
    assert json.loads(heard.body)["status"] == "requires_confirmation"


def test_latency_waits_before_the_work(sandbox: Sandbox) -> None:
    sandbox.faults.latency(0.2, times=1)
    assert speak(sandbox).moments[0] >= 0.2


def test_a_status_comes_with_its_headers_and_without_the_work(sandbox: Sandbox) -> None:
    sandbox.faults.status(503, headers={"Retry-After": "7"}, times=1)
    sandbox.faults.status(502, commit=True, times=1)
    first, second = speak(sandbox, "k1"), speak(sandbox, "k2")
    assert first.data.startswith(b"HTTP/1.1 503 Service Unavailable")
    assert b"retry-after: 7" in first.data.lower()
    assert second.data.startswith(b"HTTP/1.1 502 Bad Gateway")
    assert [sandbox.ledger.executions(idempotency_key=key) for key in ("k1", "k2")] == [0, 1]


def test_a_redirect_has_a_place_and_no_body(sandbox: Sandbox) -> None:
    sandbox.faults.status(307, headers={"Location": "http://127.0.0.1:1/"}, times=1)
    heard = speak(sandbox)
    assert heard.data.startswith(b"HTTP/1.1 307")
    assert heard.body == b""


def test_a_peer_that_leaves_during_a_drip_does_no_harm(sandbox: Sandbox) -> None:
    sandbox.faults.drip_headers(0.01, times=1)
    parts = urlsplit(sandbox.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as peer:
        head = f"POST {INTENTS} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(BODY)}\r\n\r\n"
        peer.sendall(head.encode() + BODY)
        peer.recv(1)
    assert speak(sandbox).data.startswith(b"HTTP/1.1 201")


def test_a_drip_holds_up_neither_other_requests_nor_the_end() -> None:
    sandbox = Sandbox(grace=60).start()
    sandbox.faults.drip_headers(60, times=1)
    parts = urlsplit(sandbox.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as peer:
        head = f"POST {INTENTS} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(BODY)}\r\n\r\n"
        peer.sendall(head.encode() + BODY)
        assert peer.recv(1) == b"H"
        assert speak(sandbox).data.startswith(b"HTTP/1.1 201")
        began = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - began < 30
