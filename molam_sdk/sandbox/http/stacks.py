"""Where a thread stands, and each task of an event loop: what is told of a server that does not end."""

import asyncio
import sys
import threading
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any


def stack_of_thread(thread: threading.Thread) -> str:
    """What the thread is running; "" once it has ended."""
    frame = sys._current_frames().get(thread.ident or 0)  # pyright: ignore[reportPrivateUsage]
    return "" if frame is None else "".join([f"{thread.name}:\n", *traceback.format_stack(frame)])


def stack_of_task(task: "asyncio.Task[Any]") -> str:
    """What the task awaits, down to the innermost ``await`` (``Task.print_stack`` shows the outermost alone)."""
    summary = traceback.StackSummary.extract((frame, frame.f_lineno) for frame in _awaiting(task.get_coro()))
    return "".join([f"{task.get_name()}:\n", *summary.format()])


def _awaiting(coroutine: Any) -> Iterator[FrameType]:
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None:
            yield frame
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
