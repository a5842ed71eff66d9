"""What is counted in this process, and shown elsewhere."""

from __future__ import annotations

import threading
from typing import Protocol
from weakref import WeakSet

from ._forks import renew_after_fork


class Listener(Protocol):
    """What shows a tally elsewhere."""

    def refresh(self) -> None:
        """Called when the tally has changed."""


class ProcessTally:
    """Counts are raised under ``_lock``; listeners are told without it."""

    def __init__(self) -> None:
        self._listeners: WeakSet[Listener] = WeakSet()
        self._lock = threading.Lock()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """A thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def tell(self, listener: Listener) -> None:
        """Have it told of each change, for as long as it lives."""
        self._listeners.add(listener)

    def changed(self) -> None:
        """Tell whoever listens."""
        for listener in list(self._listeners):
            listener.refresh()
