"""Workers of the inbox: threads that take what is due, until they are told to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..._worker import Chore, Worker
from ..metrics import logger
from .on_loop import OnLoop
from .one_event import OneEvent

_LOOK_EVERY: Final = 15.0
_PRUNE_EVERY: Final = 3600.0


class InboxWorker(Worker):
    """Works on stored events in ``threads`` threads; get one with ``receiver.worker()``.

    Any number of workers, on any number of machines, share the inbox: each event goes to one. ``stop`` lets the events
    that run come to their end, and takes no more.
    """

    name = "molam-inbox"
    cannot = "webhook inbox cannot be worked on"
    stops = "webhook worker stops when the events that run are settled"

    def __init__(
        self, one_event: OneEvent | OnLoop, *, threads: int, poll_seconds: float, prune: Callable[[], int]
    ) -> None:
        chores = (
            Chore(_LOOK_EVERY, lambda _is_stopping: one_event.show_figures()),
            Chore(_PRUNE_EVERY, lambda _is_stopping: prune()),
        )
        super().__init__(one_event, threads=threads, poll_seconds=poll_seconds, chores=chores, logger=logger)
