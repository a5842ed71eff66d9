"""The pool of the blocking client: whatever other threads do to it meanwhile, a complete answer is not lost."""

from __future__ import annotations

import gc
import os
import socket
from typing import Any

from molam_sdk._transport.blocking.connection import Connection
from molam_sdk._transport.blocking.pool import Pool


class _TakenAtOnce(Connection):
    """Taken by another thread at the very moment at which the pool looks at how old it is."""

    pool: Any = None

    @property
    def idle_since(self) -> float:  # type: ignore[override]
        self.pool._idle.clear()
        return 0.0

    @idle_since.setter
    def idle_since(self, value: float) -> None:
        """Noted, and forgotten."""


def test_a_connection_that_another_thread_takes_while_the_pool_trims_is_no_error() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pool = Pool(4, 60.0)
        connection = pool.acquire(lambda _deadline: _TakenAtOnce(ours), 0.0)
        _TakenAtOnce.pool = pool
        pool.release(connection)
        assert len(pool) == 0


def test_a_connection_that_nobody_gave_back_is_closed_when_it_is_forgotten() -> None:
    ours, theirs = socket.socketpair()
    descriptor = ours.fileno()
    with theirs:
        pool = Pool(4, 60.0)
        connection = pool.acquire(lambda _deadline: Connection(socket.socket(fileno=ours.detach())), 0.0)
        assert os.fstat(descriptor)
        del connection
        gc.collect()
        assert theirs.recv(1) == b""
        assert len(pool) == 0
