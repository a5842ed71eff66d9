"""RunningServer: one run of the server in a daemon thread of its own."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

from .listener import url_of
from .stacks import stack_of_task, stack_of_thread

_log = logging.getLogger("molam_sdk.sandbox")
_CUT_SHORT_SECONDS = 1.0
_STOPPED = "the sandbox was stopped"


class RunningServer:
    """One run of the server: its thread, its loop, and how to reach it from other threads."""

    loop: asyncio.AbstractEventLoop

    def __init__(
        self, serve: Callable[["RunningServer", socket.socket], Awaitable[None]], listener: socket.socket
    ) -> None:
        self.url = url_of(listener)
        self.leaving = asyncio.Event()
        self._ready: Future[None] = Future()
        self._calls: set[Future[None]] = set()
        self._cut_short = self._over = False
        self._serve, self._listener = serve, listener
        self._thread = threading.Thread(target=self._run, name="molam-sandbox", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            elif not self._cut_short:
                raise
        finally:
            # A call that came too late for the loop would be waited for without end.
            self._over = True
            for call in tuple(self._calls):
                call.cancel()

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.set_default_executor(_NameLookups())
        await self._serve(self, self._listener)

    def ready(self) -> None:
        self._ready.set_result(None)

    def wait_until_ready(self) -> None:
        self._ready.result(timeout=30)

    def call(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine on the server's loop and wait for it; RuntimeError where the server ends before it."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("not from the sandbox's own thread")
        try:
            self._ended(work).result()
        except CancelledError:
            work.close()
            raise RuntimeError(_STOPPED) from None

    def _ended(self, work: Coroutine[Any, Any, None]) -> "Future[None]":
        try:
            call = asyncio.run_coroutine_threadsafe(work, self.loop)
        except RuntimeError:  # its loop is closed
            raise CancelledError from None
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        if self._over:
            call.cancel()
        return call

    def stop(self, seconds: float) -> bool:
        """Have it leave, and say whether it has.

        One that has not within `seconds` is told of with what it waits for, cut short, and else left to its daemon
        thread: whoever stops a sandbox never hangs.
        """
        self._soon(self.leaving.set)
        self._thread.join(seconds)
        if self._thread.is_alive():
            _log.error("the sandbox did not stop within %g s; this is what it waits for:\n%s", seconds, self._where())
            self._cut_short = True
            self._soon(self._cancel_all)
            self._thread.join(_CUT_SHORT_SECONDS)
        return not self._thread.is_alive()

    def _soon(self, function: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # its loop is closed: it has ended by itself
            self.loop.call_soon_threadsafe(function)

    def _cancel_all(self) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()

    def _where(self) -> str:
        try:
            tasks = asyncio.all_tasks(self.loop)
        except RuntimeError:  # they begin and end faster than they can be listed
            tasks = set()
        return "\n".join([stack_of_thread(self._thread), *map(stack_of_task, tasks)])


class _NameLookups(ThreadPoolExecutor):
    """The loop's threads, in which the names of webhook endpoints are looked up: nobody waits for one that hangs."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=True)
