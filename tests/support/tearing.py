"""Raises at a chosen line of the SDK, as a signal handler, another thread or a cancellation would: once."""

from __future__ import annotations

import functools
import linecache
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import molam_sdk

OUR_CODE = str(Path(molam_sdk.__file__).parent)

STRIDE = int(os.environ.get("MOLAM_TEAR_STRIDE", "25"))
"""Every so manyth line is torn; ``make tears`` takes each."""


class Torn(BaseException):
    """As dramatiq's Interrupt, gevent's Timeout or Ctrl-C."""


class TimeIsUp(Exception):  # noqa: N818 - as celery's SoftTimeLimitExceeded
    """An ordinary exception of a signal handler."""


class TearAt:
    """Calls ``tear`` with the place, once, at the n-th line of the SDK that is run in this thread."""

    def __init__(self, line: int, tear: Callable[[str], None], within: str = OUR_CODE) -> None:
        self.left = line
        self._within = within
        self.where = ""
        self._tear = tear
        self._entered: list[tuple[FrameType, int]] = []

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(self._within) or frame.f_code.co_name == "__del__":
            return None  # what is raised into a finalizer goes nowhere: Python prints it
        if event == "line" and not self._leaves_with(frame):
            self.left -= 1
            if self.left == 0:
                self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                sys.settrace(None)
                self._entered.clear()
                self._tear(self.where)
        return self

    def _leaves_with(self, frame: FrameType) -> bool:
        """Whether this is the end of a ``with``, seen again: there CPython raises nothing into a thread."""
        if (
            not linecache.getline(frame.f_code.co_filename, frame.f_lineno)
            .lstrip()
            .startswith(("with ", "async with "))
        ):
            return False
        known = (frame, frame.f_lineno) in self._entered
        self._entered.append((frame, frame.f_lineno))
        return known


@contextmanager
def tearing(line: int, tear: Callable[[str], None], within: str = OUR_CODE) -> Iterator[TearAt]:
    """While it lasts, the n-th line that this thread runs is torn; of those of the SDK, or of one of its folders."""
    before, tearing_at = sys.gettrace(), TearAt(line, tear, within)
    sys.settrace(tearing_at)
    try:
        yield tearing_at
    finally:
        sys.settrace(before)


def lines(offset: int) -> Iterator[int]:
    """The numbers of the lines to be torn, without end. ``offset``: begins elsewhere, so that samples differ."""
    number = 1 + offset % STRIDE
    while True:
        yield number
        number += STRIDE


def in_a_thread_of_its_own(test: Callable[..., None]) -> Callable[..., None]:
    """The test runs in a new thread: an exception whose ``except`` was torn counts as being handled for as long as
    its thread lives, and would become the context of whatever later tests raise."""

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        problems: list[BaseException] = []

        def keep_what_it_raises() -> None:
            try:
                test(*arguments, **named)
            except BaseException as problem:
                problems.append(problem)

        thread = threading.Thread(target=keep_what_it_raises, daemon=True)
        thread.start()
        thread.join()
        if problems:
            raise problems[0]

    return run
