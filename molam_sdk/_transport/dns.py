"""Name resolution that ends in time: getaddrinfo knows no timeout, so it runs aside and is waited for."""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from .._core.wire import Failure
from .._http.error import NoReplyError
from .origin import clock

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]

# A lookup that has run for so long is given up and another one begun; twice as long with each that hangs already, so
# that a resolver that never answers costs some ten threads a day, not one per call.
_GIVEN_UP_AFTER: Final = 5.0


class NameLookup:
    """One getaddrinfo, in a thread of its own; ``addresses`` or ``problem`` is there once it is ``done``."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.began = clock()
        self.addresses: list[AddressInfo] = []
        self.problem: OSError | UnicodeError | None = None
        self._done = threading.Event()
        self._when_done: deque[Callable[[], None]] = deque()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._done.is_set()

    def run(self) -> None:
        """Look the name up, then tell whoever waits."""
        try:
            self.addresses = list(socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as problem:
            self.problem = problem
        finally:
            _lookups.forget(self)
            self._done.set()
            self._tell()

    def when_done(self, tell: Callable[[], None]) -> None:
        """Have ``tell`` called once it has ended, in the thread that ended it, or at once."""
        self._when_done.append(tell)
        if self.done:
            self._tell()

    def wait(self, seconds: float) -> bool:
        """Whether it ended within that time."""
        return self._done.wait(seconds)

    def result(self) -> list[AddressInfo]:
        """The addresses of a lookup that is done; ``NoReplyError`` if it found none."""
        if self.problem is not None or not self.addresses:
            raise NoReplyError(Failure.DNS, f"no address for {self.host}: {self.problem}") from self.problem
        return self.addresses

    def _tell(self) -> None:
        while self._when_done:  # whoever pops one calls it: each is called once, whichever thread comes first
            try:
                tell = self._when_done.popleft()
            except IndexError:
                return
            tell()


class _Lookups:
    """The lookups under way by name, those that hang included, and the lock under which one is begun."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._running: dict[tuple[str, int], list[NameLookup]] = {}

    def newest(self, host: str, port: int) -> NameLookup | None:
        """The lookup to wait for; None if a new one may begin."""
        running = self._running.get((host, port))
        if not running:
            return None
        given_up = clock() - running[-1].began >= _GIVEN_UP_AFTER * 2 ** (len(running) - 1)
        return None if given_up else running[-1]

    def add(self, lookup: NameLookup) -> None:
        """Have others wait for this one."""
        self._running.setdefault((lookup.host, lookup.port), []).append(lookup)

    def forget(self, lookup: NameLookup) -> None:
        """It has ended: the next caller begins another."""
        with self.lock:
            running = self._running.get((lookup.host, lookup.port), [])
            if lookup in running:
                running.remove(lookup)
            if not running:
                self._running.pop((lookup.host, lookup.port), None)

    def after_fork(self) -> None:
        """A child has none of the parent's threads: a lookup of theirs would be waited for in vain."""
        self.lock = threading.Lock()
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
    with _lookups.lock:
        lookup = _lookups.newest(host, port)
        if lookup is not None:
            return lookup
        lookup = NameLookup(host, port)
        _lookups.add(lookup)
    # A daemon: a resolver that hangs must not keep the process from ending.
    thread = threading.Thread(target=lookup.run, name=f"molam-dns-{host}", daemon=True)
    try:  # outside the lock: a green thread may be switched away while it starts another
        thread.start()
    except RuntimeError:
        lookup.run()  # the process cannot start threads: then there is no bounding it
    return lookup


def resolve(host: str, port: int, timeout: float) -> list[AddressInfo]:
    """The addresses of a host within ``timeout`` seconds; ``NoReplyError`` if there are none by then."""
    if found := numeric_addresses(host, port):
        return found
    lookup = look_up(host, port)
    if not lookup.wait(timeout):
        raise not_in_time(host, timeout)
    return lookup.result()


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
