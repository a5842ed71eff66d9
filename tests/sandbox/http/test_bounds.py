"""What a peer may send and how long it may take: a connection that overdoes it is ended, and nothing else suffers."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.http import connections
from tests.support.sandbox_api import INTENTS, Api


def said_to(sandbox: Sandbox, sent: bytes) -> bytes:
    """What the sandbox answers to these bytes before it closes the connection."""
    parts = urlsplit(sandbox.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as peer:
        peer.sendall(sent)
        heard = b""
        try:
            while piece := peer.recv(65536):
                heard += piece
        except ConnectionResetError:
            pass
    return heard


@pytest.mark.parametrize(
    "sent",
    [
        b"GET ",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"POST /v1/connect/refunds HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["line", "head", "body"],
)
def test_a_request_that_does_not_arrive_is_408(
    api: Api, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connections, "ARRIVAL_SECONDS", 0.1)
    assert said_to(sandbox, sent).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert api.get(INTENTS).status_code == 200


def test_a_head_without_end_is_431(api: Api, sandbox: Sandbox) -> None:
    head = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-More: %b\r\n" % (b"x" * 4000) * 30
    assert b"431" in said_to(sandbox, head)[:20]
    assert api.get(INTENTS).status_code == 200


def test_a_connection_that_says_nothing_yet_is_left_open(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ARRIVAL_SECONDS", 0.01)
    parts = urlsplit(sandbox.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as peer:
        assert requests.get(sandbox.url + "/healthz", timeout=5).status_code == 200
        monkeypatch.undo()
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert peer.recv(100).startswith(b"HTTP/1.1 200")


def test_the_body_of_a_control_request_is_bounded(sandbox: Sandbox) -> None:
    body = b'{"kind": "' + b"x" * 17_000_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{sandbox.url}/_sandbox/faults", data=body, headers=headers, timeout=20)
    assert answer.status_code == 413
