"""Stored events of a store for event loops, run for the threads of an ``InboxWorker``."""

from __future__ import annotations

from ...store import AsyncStore
from ..blocking.loop import run_coroutine
from .one_event import OneEvent


class OnLoop:
    """Has each event run on the one loop that this process has for what blocks, as the store's connections want."""

    def __init__(self, store: AsyncStore, one_event: OneEvent) -> None:
        self._store, self._one_event = store, one_event

    def run_next(self) -> bool:
        """Take the next event that is due, if there is one, and run it."""
        return run_coroutine(self._store.step(self._one_event.run_next))

    def show_figures(self) -> None:
        """Have the metrics show how the inbox stands."""
        run_coroutine(self._store.step(self._one_event.show_figures))

    def leave_thread(self) -> None:
        """Nothing is kept for a thread."""
