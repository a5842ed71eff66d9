"""Where things run when a delivery blocks: everything in the caller's thread, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from ...webhooks import WebhookEvent
from ..event_run import EventRun
from ..subscribers import Subscriber

T = TypeVar("T")


class Execution:
    """Runs the steps of one delivery."""

    def run_blocking(self, function: Callable[..., T], /, *args: Any) -> T:
        """A step of the store."""
        return function(*args)

    def run_handler(self, subscriber: Subscriber, event: WebhookEvent) -> None:
        """A handler of the merchant; a coroutine function gets an event loop of its own."""
        if subscriber.is_async:
            asyncio.run(subscriber.call(event))
        else:
            subscriber.call(event)

    def transaction(self, run: EventRun) -> AbstractContextManager[None]:
        """The store's, which the handlers and the mark share."""
        return run.transaction()
