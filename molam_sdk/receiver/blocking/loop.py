"""One event loop in a thread of its own, for the coroutine handlers of deliveries that block.

One for the whole process: a ``MolamAsyncClient`` or a database pool that handlers share belongs to one loop.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from ..._forks import renew_after_fork
from ...webhooks import WebhookEvent
from .green_end import GreenEnd, begin_real_thread, threads_are_green

T = TypeVar("T")
_STOP_SECONDS: Final = 5.0


async def run_to_its_end(function: Callable[[Any], Any], event: WebhookEvent, awaitable: Awaitable[Any] | None) -> None:
    """Await what a handler returned, or the handler itself where it was not called yet."""
    await (function(event) if awaitable is None else awaitable)


class LoopThread:
    """Runs coroutines; begins with the first one, and begins anew in a child process."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._inherited: list[asyncio.AbstractEventLoop] = []
        self._lock = threading.Lock()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """The parent's thread does not exist here; its loop is kept, since closing it would close what they share."""
        if self._loop is not None:
            self._inherited.append(self._loop)
        self._loop, self._thread, self._lock = None, None, threading.Lock()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns. Who is interrupted while it waits has the coroutine cancelled, and its end."""
        loop = self._started()
        if _is_running(loop):
            coroutine.close()
            raise RuntimeError("a delivery that blocks was received on the event loop: await receive_async(…) there")
        ended: Future[T] = Future()
        end = GreenEnd() if threads_are_green() else threading.Event()
        task = asyncio.run_coroutine_threadsafe(_told(coroutine, ended, end.set), loop)
        try:
            end.wait()
        except BaseException:
            if not ended.done():
                task.cancel()
                end.wait(_STOP_SECONDS)
            raise
        try:
            return ended.result()
        except asyncio.CancelledError as error:
            raise RuntimeError("the coroutine was cancelled") from error

    def close(self) -> None:
        """Stop the loop and what runs on it; the next coroutine begins another."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)
            if thread is not None:
                thread.join(_STOP_SECONDS)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = self._begun()
            return self._loop

    def _begun(self) -> asyncio.AbstractEventLoop:
        """A loop in a thread of its own."""
        begun: Future[asyncio.AbstractEventLoop] = Future()
        if threads_are_green():
            end = GreenEnd()
            # Nobody can join it; at its end the process takes it along.
            begin_real_thread(_run_until_stopped, begun, end.set)
            end.wait()
        else:
            self._thread = threading.Thread(
                target=_run_until_stopped, args=(begun,), name="molam-webhooks-loop", daemon=True
            )
            self._thread.start()
        return begun.result()


def _run_until_stopped(begun: Future[asyncio.AbstractEventLoop], tell: Callable[[], object] = bool) -> None:
    # Made where it runs: gevent's selectors belong to a thread.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    begun.set_result(loop)
    tell()
    stopped = False
    while not stopped:
        # A task that a handler left behind may raise these, which end the loop for all the others.
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            loop.run_forever()
            stopped = True
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def _told(coroutine: Coroutine[Any, Any, T], ended: Future[T], tell: Callable[[], None]) -> None:
    """Run it and tell its end, also where it was cancelled: only then nothing of it runs any more."""
    try:
        ended.set_result(await coroutine)
    except BaseException as error:  # noqa: BLE001  # raised where it is waited for, and not through the loop
        ended.set_exception(error)
    finally:
        tell()


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the caller is on this loop."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


_THREAD: Final = LoopThread()
atexit.register(_THREAD.close)


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns; blocks. Under gevent the greenlet waits, and the others go on."""
    return _THREAD.run(coroutine)
