"""Under gevent: real threads, and greenlets that wait for what ends in one while the others go on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def threads_are_green() -> bool:
    """Whether gevent has made what is called a thread a greenlet."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def begin_real_thread(function: Callable[..., object], *args: object) -> None:
    """Run it in a thread of the system, which blocks no greenlet. Nobody can join it."""
    import_module("gevent.monkey").get_original("_thread", "start_new_thread")(function, args)


class GreenEnd:
    """As ``threading.Event``: made and waited for in a greenlet, and set once, from a real thread."""

    def __init__(self) -> None:
        self._event = import_module("gevent.event").Event()
        self._watcher = import_module("gevent").get_hub().loop.async_()
        self._watcher.start(self._event.set)

    def set(self) -> None:
        """Wake whoever waits."""
        self._watcher.send()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it was set within that time."""
        if not self._event.wait(seconds):
            return False
        # Not where it was left: the thread may still send.
        self._watcher.close()
        return True
