"""Waiting for what runs aside, on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from ..._aside import Aside


async def ended_in_time(aside: Aside[Any], seconds: float) -> bool:
    """Whether it ended within that time; the event loop goes on meanwhile."""
    if not aside.done:
        await asyncio.wait({told_of(aside)}, timeout=max(0.0, seconds))
    return aside.done


def told_of(aside: Aside[Any]) -> asyncio.Future[None]:
    """A future of the running event loop that is done when it has ended."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        with contextlib.suppress(RuntimeError):  # the event loop has ended meanwhile, and nobody waits any more
            loop.call_soon_threadsafe(_settle, told)

    aside.when_done(tell)
    return told


def _settle(told: asyncio.Future[None]) -> None:
    if not told.done():
        told.set_result(None)
