"""Name resolution that ends in time: getaddrinfo knows no timeout, so it runs aside and is waited for."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

from .._core.wire import Failure
from .fault import Fault

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


class _Lookup(threading.Thread):
    """One getaddrinfo. A daemon: a resolver that hangs must not keep the process from ending."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(name=f"molam-dns-{host}", daemon=True)
        self._host, self._port = host, port
        self.addresses: list[AddressInfo] = []
        self.problem: OSError | UnicodeError | None = None

    def run(self) -> None:
        try:
            self.addresses = list(socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as problem:
            self.problem = problem
        finally:
            _lookups.pop((self._host, self._port), None)


_lookups: dict[tuple[str, int], _Lookup] = {}
if hasattr(os, "register_at_fork"):
    # A child has none of the parent's threads: a lookup of theirs would be waited for in vain.
    os.register_at_fork(after_in_child=_lookups.clear)


def resolve(host: str, port: int, timeout: float) -> list[AddressInfo]:
    """The addresses of a host within ``timeout`` seconds; ``Fault`` if there are none by then.

    Callers of one name share one lookup, so that a hung resolver costs one thread, not one per call.
    """
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except socket.gaierror:
        pass
    lookup = _lookups.get((host, port))
    if lookup is None:
        lookup = _lookups.setdefault((host, port), _Lookup(host, port))
    _start_once(lookup)
    lookup.join(timeout)
    if lookup.is_alive():
        raise Fault(Failure.CONNECT_TIMEOUT, f"no address for {host} within {timeout:.3g} s")
    if lookup.problem is not None or not lookup.addresses:
        raise Fault(Failure.DNS, f"no address for {host}: {lookup.problem}") from lookup.problem
    return lookup.addresses


def _start_once(lookup: _Lookup) -> None:
    try:
        lookup.start()
    except RuntimeError:  # another caller has started it
        if lookup.ident is None:  # or the process cannot start threads: then there is no bounding it
            lookup.run()
