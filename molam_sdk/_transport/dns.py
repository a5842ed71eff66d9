"""Name resolution that ends in time: getaddrinfo knows no timeout, so it runs aside and is waited for."""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from .._aside import Aside
from .._core.wire import Failure
from .._http.error import NoReplyError
from .origin import clock

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
NameLookup = Aside[list[AddressInfo]]

# A lookup that has run for so long is given up and another one begun; twice as long with each that hangs already, so
# that a resolver that never answers costs some ten threads a day, not one per call.
_GIVEN_UP_AFTER: Final = 5.0


class _Lookups:
    """The lookups under way by name, those that hang included, each with when it began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[tuple[str, int], list[tuple[float, NameLookup]]] = {}

    def join(self, host: str, port: int, lookup: NameLookup) -> NameLookup:
        """The lookup of this name to wait for: one that is under way, or this one, which is then to be started."""
        now = clock()
        with self._lock:
            running = self._running.setdefault((host, port), [])
            if running and now - running[-1][0] < _GIVEN_UP_AFTER * 2 ** (len(running) - 1):
                return running[-1][1]
            running.append((now, lookup))
        return lookup

    def forget(self, host: str, port: int, lookup: NameLookup) -> None:
        """It has ended: the next caller begins another."""
        with self._lock:
            left = [each for each in self._running.pop((host, port), []) if each[1] is not lookup]
            if left:
                self._running[host, port] = left

    def after_fork(self) -> None:
        """A child has none of the parent's threads: a lookup of theirs would be waited for in vain."""
        self._lock = threading.Lock()
        self._running.clear()


_lookups = _Lookups()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_lookups.after_fork)


def numeric_addresses(host: str, port: int) -> list[AddressInfo]:
    """The addresses of a host that is an IP address; none if it is a name."""
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except (socket.gaierror, UnicodeError):
        return []


def look_up(host: str, port: int) -> NameLookup:
    """The lookup of this name that is under way, or a new one.

    Callers of one name share one lookup, so that a slow resolver costs one thread, not one per call.
    """
    lookup: NameLookup = Aside(lambda: _addresses(host, port, lookup))
    shared = _lookups.join(host, port, lookup)
    if shared is lookup:
        lookup.start(f"molam-dns-{host}")
    return shared


def _addresses(host: str, port: int, lookup: NameLookup) -> list[AddressInfo]:
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    finally:
        _lookups.forget(host, port, lookup)


def found_by(lookup: NameLookup, host: str) -> list[AddressInfo]:
    """The addresses of a lookup that is done; ``NoReplyError`` if it found none."""
    addresses = lookup.result() if lookup.problem is None else []
    if not addresses:
        raise NoReplyError(Failure.DNS, f"no address for {host}: {lookup.problem}") from lookup.problem
    return addresses


def resolve(host: str, port: int, timeout: float) -> list[AddressInfo]:
    """The addresses of a host within ``timeout`` seconds; ``NoReplyError`` if there are none by then."""
    if found := numeric_addresses(host, port):
        return found
    lookup = look_up(host, port)
    if not lookup.wait(timeout):
        raise not_in_time(host, timeout)
    return found_by(lookup, host)


def not_in_time(host: str, timeout: float) -> NoReplyError:
    """What a lookup that is waited for no longer is told as."""
    return NoReplyError(Failure.CONNECT_TIMEOUT, f"no address for {host} within {timeout:.3g} s")


def interleaved(addresses: Iterable[AddressInfo]) -> list[AddressInfo]:
    """The addresses in the order to try them: families in turn, the resolver's first one first (RFC 8305 §4)."""
    by_family: dict[int, deque[AddressInfo]] = {}
    for address in addresses:
        by_family.setdefault(address[0], deque()).append(address)
    ordered: list[AddressInfo] = []
    while families := [family for family in by_family.values() if family]:
        ordered += [family.popleft() for family in families]
    return ordered
