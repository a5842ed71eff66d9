"""Where things run when a delivery blocks: everything in the caller's thread, coroutines on a loop beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...store import ClaimResult
from ..event_run import EventRun
from ..handler_calls import HandlerCalls
from ..subscribers import Subscriber
from .loop import run_coroutine, run_to_its_end


class Execution:
    """Runs the steps of one delivery. ``calls`` are those of the thread, with a loop beside it, if none are given."""

    def __init__(self, calls: HandlerCalls | None = None) -> None:
        self.calls = HandlerCalls(run_coroutine) if calls is None else calls

    def begin(self, run: EventRun) -> ClaimResult:
        """Everything that can be run at once."""
        return run.begin(self.calls)

    def run_awaitable(self, subscriber: Subscriber, awaitable: Any, run: EventRun) -> None:
        """What a handler gave to await, or a coroutine function."""
        self.calls.wait_for(run_to_its_end(subscriber.call, run.event_for(subscriber), awaitable))

    def run_step(self, run: EventRun, function: Callable[..., None], /, *args: Any) -> None:
        """A step of the store."""
        function(*args)

    def give_back(self, run: EventRun) -> None:
        """Give the event back."""
        run.give_back()
