"""One place where everything that must not outlive a fork is renewed in the child."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class ForkAware(Protocol):
    """Holds a lock or a socket that a child must not use."""

    def after_fork(self) -> None:
        """Called in the child, which has one thread: drop the parent's sockets, make new locks."""


_known: WeakSet[ForkAware] = WeakSet()


def renew_after_fork(thing: ForkAware) -> None:
    """Have ``thing.after_fork()`` called in every child of this process, as long as it lives."""
    _known.add(thing)


def _after_fork_in_child() -> None:
    for thing in list(_known):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
