"""What an asyncio client stands on: one event loop for life, and aiohttp; where either is amiss, it is said."""

from __future__ import annotations

import asyncio
import os

from .._core.wire import AsyncTransport
from ..config import ClientConfig
from ..exceptions import ConfigurationError


class LoopBond:
    """Binds to the event loop that the first call runs on, and refuses the next ones anywhere else.

    A connection made on one loop hangs on every other.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def check(self) -> None:
        """``ConfigurationError`` on another event loop, or in a process forked since; nothing is sent then."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._pid = loop, os.getpid()
        elif self._pid != os.getpid():
            raise ConfigurationError(
                "this MolamAsyncClient was first used before the process forked: make it, or first use it, in the child"
            )
        elif self._loop is not loop:
            state = "has ended" if self._loop.is_closed() else "still runs"
            raise ConfigurationError(
                f"this MolamAsyncClient belongs to another event loop, which {state}: make one client per event loop, "
                "inside it, and close it there"
            )


def aiohttp_transport(config: ClientConfig) -> AsyncTransport:
    """The transport of a client that was given none; ``ConfigurationError`` where the extra is not installed."""
    try:
        from .aiohttp_transport import AiohttpTransport
    except ModuleNotFoundError as problem:
        raise ConfigurationError("MolamAsyncClient needs aiohttp: pip install 'molam-python-sdk[async]'") from problem
    return AiohttpTransport(config)
