"""One event loop in a thread of its own, for the coroutine handlers of deliveries that block.

One for the whole process: a ``MolamAsyncClient`` or a database pool that handlers share belongs to one loop.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, Final, TypeVar

from ..._forks import renew_after_fork
from ...webhooks import WebhookEvent

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
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("a delivery that blocks was received on the event loop: await receive_async(…) there")
        ended: Future[T] = Future()
        task = asyncio.run_coroutine_threadsafe(_told(coroutine, ended), loop)
        try:
            return ended.result()
        except asyncio.CancelledError as error:
            raise RuntimeError("the coroutine was cancelled") from error
        except BaseException:
            if not ended.done():
                task.cancel()
                ended.exception(_STOP_SECONDS)
            raise

    def close(self) -> None:
        """Stop the loop and what runs on it; the next coroutine begins another."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_STOP_SECONDS)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run_until_stopped, args=(loop,), name="molam-webhooks-loop", daemon=True
                )
                self._thread.start()
            return self._loop


def _run_until_stopped(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
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


async def _told(coroutine: Coroutine[Any, Any, T], ended: Future[T]) -> None:
    """Run it and tell its end, also where it was cancelled: only then nothing of it runs any more."""
    try:
        ended.set_result(await coroutine)
    except BaseException as error:  # noqa: BLE001  # raised where it is waited for, and not through the loop
        ended.set_exception(error)


_THREAD: Final = LoopThread()
atexit.register(_THREAD.close)


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns; blocks. Under gevent it has an event loop of its own, in a real thread."""
    # A loop that runs in a greenlet counts as the running loop of all the others: only one of them could have one.
    if "gevent.monkey" in sys.modules and sys.modules["gevent.monkey"].is_module_patched("threading"):
        hub: Any = sys.modules["gevent"].get_hub()
        returned: T = hub.threadpool.apply(copy_context().run, (asyncio.run, coroutine))
        return returned
    return _THREAD.run(coroutine)
