"""Awaits what cannot be stopped half-way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def to_its_end(step: Awaitable[T]) -> T:
    """What it gives. Who is cancelled meanwhile waits for its end first: what comes after relies on it."""
    future = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait({future})
        raise
