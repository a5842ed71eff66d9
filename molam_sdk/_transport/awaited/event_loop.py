"""One event loop for life: what an asyncio client is bound to."""

from __future__ import annotations

import asyncio
import os

from ...exceptions import ConfigurationError


class LoopBinding:
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
