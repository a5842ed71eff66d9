"""A worker of the inbox on an event loop: tasks that take what is due, until they are told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

from ..metrics import logger

_LOOK_EVERY: Final = 15.0
_PRUNE_EVERY: Final = 3600.0
_LONGEST_PAUSE: Final = 30.0


class AsyncInboxWorker:
    """Works on stored events in so many tasks at a time; get one with ``receiver.async_worker()``.

    Any number of workers share the inbox, those in threads too: each event goes to one. ``stop`` lets the events that
    run come to their end; a ``run`` that is cancelled cancels them and gives them back.
    """

    def __init__(
        self,
        run_next: Callable[[], Awaitable[bool]],
        *,
        tasks: int,
        poll_seconds: float,
        show_figures: Callable[[], Awaitable[None]],
        prune: Callable[[], Awaitable[int]],
    ) -> None:
        self._run_one, self._tasks, self._poll = run_next, tasks, poll_seconds
        self._show_figures, self._prune = show_figures, prune
        self._stop = asyncio.Event()
        self._count = 0

    def stop(self) -> None:
        """Have ``run`` return once the events that run now are settled; called on its loop."""
        self._stop.set()

    async def run(self) -> int:
        """Work until ``stop``; how many events were run. A database that is away is waited for."""
        tasks = [asyncio.ensure_future(self._keep_house())]
        tasks += [asyncio.ensure_future(self._work()) for _ in range(self._tasks)]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            # They were cancelled with this one: a second time would tear what gives their events back.
            self.stop()
            await asyncio.wait(tasks)
            raise
        return self._count

    async def run_until_empty(self, *, for_seconds: float = math.inf) -> int:
        """Run what is due, one after the other, and return: for cron and tests.

        None is begun after ``for_seconds``. What the database raises is raised here.
        """
        before, end = self._count, time.monotonic() + for_seconds
        while not self._stop.is_set() and time.monotonic() < end and await self._run_next():
            pass
        return self._count - before

    async def _work(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                found = await self._run_next()
            except Exception:  # noqa: BLE001  # what a handler raised is settled; a database comes back
                failures += 1
                logger.exception("webhook inbox cannot be worked on")
                await self._wait(min(_LONGEST_PAUSE, self._poll * 2**failures))
                continue
            failures = 0
            if not found:
                await self._wait(self._poll)

    async def _run_next(self) -> bool:
        found = await self._run_one()
        self._count += found
        return found

    async def _wait(self, seconds: float) -> None:
        """As long, or until it is time to stop."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _keep_house(self) -> None:
        """Show how the inbox stands and forget what is old, until it is time to stop."""
        prune_at = time.monotonic()
        while not self._stop.is_set():
            with contextlib.suppress(Exception):
                await self._show_figures()
                if time.monotonic() >= prune_at:
                    prune_at = time.monotonic() + _PRUNE_EVERY
                    await self._prune()
            await self._wait(_LOOK_EVERY)
