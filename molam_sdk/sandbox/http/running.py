"""RunningServer: one run of the server in a daemon thread of its own."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from .listener import url_of


class RunningServer:
    """One run of the server: its thread, its loop, and how to reach it from other threads."""

    loop: asyncio.AbstractEventLoop

    def __init__(
        self, serve: Callable[["RunningServer", socket.socket], Awaitable[None]], listener: socket.socket
    ) -> None:
        self.url = url_of(listener)
        self.leaving = asyncio.Event()
        self._ready: Future[None] = Future()
        self._serve, self._listener = serve, listener
        self._thread = threading.Thread(target=self._run, name="molam-sandbox", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self._serve(self, self._listener)

    def ready(self) -> None:
        self._ready.set_result(None)

    def wait_until_ready(self) -> None:
        self._ready.result(timeout=30)

    def call(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine on the server's loop and wait for it."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("not from the sandbox's own thread")
        asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.leaving.set)
        self._thread.join()
