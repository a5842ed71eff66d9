"""What the tests of the transports share with those of the clients, and addresses that misbehave."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from tests.clients.conftest import caller, client_kind
from tests.clients.hostile.conftest import certificates, no_environment, secured, serve, tls

__all__ = ["caller", "certificates", "client_kind", "no_environment", "secured", "serve", "tls"]

Address = tuple[str, int]


def connected() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    return ours, theirs


def reset(sock: socket.socket) -> None:
    """End a TCP connection as a crash does, not as a close does."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.fixture
def black_hole() -> Iterator[Address]:
    """An address whose backlog is full: connecting to it neither succeeds nor fails."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    address: Address = listener.getsockname()
    waiting = []
    for _ in range(16):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(address)
        waiting.append(sock)
        if not select.select([], [sock], [], 0.1)[1]:
            break
    else:
        pytest.skip("this system's backlog cannot be filled")
    yield address
    for sock in (*waiting, listener):
        sock.close()


@pytest.fixture
def dead() -> Address:
    """An address that refuses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address: Address = listener.getsockname()
    return address


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``names("api.test", address, …)``: have a name resolve to these addresses, in this order."""
    real = socket.getaddrinfo
    known: dict[str, list[Address]] = {}

    def getaddrinfo(host: str, *arguments: object, **options: object) -> object:
        if host not in known or options.get("flags"):
            return real(host, *arguments, **options)  # type: ignore[arg-type]  # passed on as they came
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in known[host]]

    def set_name(host: str, *addresses: Address) -> None:
        known[host] = list(addresses)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return set_name
