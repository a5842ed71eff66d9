"""Name resolution that ends in time: getaddrinfo knows no timeout, so it runs aside and is waited for."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

from .._core.wire import Failure
from .._http.error import NoReplyError

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


class _Lookup:
    """One getaddrinfo, in a thread of its own: ``done`` is set when ``addresses`` or ``problem`` is there."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.addresses: list[AddressInfo] = []
        self.problem: OSError | UnicodeError | None = None
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self.addresses = list(socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as problem:
            self.problem = problem
        finally:
            _lookups.pop((self.host, self.port), None)
            self.done.set()


class _Lookups(dict[tuple[str, int], _Lookup]):
    """The lookups under way, and the lock under which one is begun."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def after_fork(self) -> None:
        """A child has none of the parent's threads: a lookup of theirs would be waited for in vain."""
        self.lock = threading.Lock()
        self.clear()


_lookups = _Lookups()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_lookups.after_fork)


def resolve(host: str, port: int, timeout: float) -> list[AddressInfo]:
    """The addresses of a host within ``timeout`` seconds; ``NoReplyError`` if there are none by then.

    Callers of one name share one lookup, so that a hung resolver costs one thread, not one per call.
    """
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except (socket.gaierror, UnicodeError):
        pass
    lookup = _lookup(host, port)
    if not lookup.done.wait(timeout):
        raise NoReplyError(Failure.CONNECT_TIMEOUT, f"no address for {host} within {timeout:.3g} s")
    if lookup.problem is not None or not lookup.addresses:
        raise NoReplyError(Failure.DNS, f"no address for {host}: {lookup.problem}") from lookup.problem
    return lookup.addresses


def _lookup(host: str, port: int) -> _Lookup:
    """The lookup of this name that is under way, or a new one."""
    with _lookups.lock:
        lookup = _lookups.get((host, port))
        if lookup is not None:
            return lookup
        lookup = _lookups[host, port] = _Lookup(host, port)
        # A daemon: a resolver that hangs must not keep the process from ending.
        thread = threading.Thread(target=lookup.run, name=f"molam-dns-{host}", daemon=True)
        try:
            thread.start()
            return lookup
        except RuntimeError:
            pass
    lookup.run()  # the process cannot start threads: then there is no bounding it
    return lookup
