"""Kills this process with -9 at a chosen line of the SDK, whichever of its threads runs it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import molam_sdk

OUR_CODE = str(Path(molam_sdk.__file__).parent)


class KillAt:
    """Ends this process at the n-th line of the SDK."""

    def __init__(self, line: int) -> None:
        self.left = line

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(OUR_CODE):
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return self

    def watch(self) -> None:
        threading.settrace(self)
        sys.settrace(self)


def kill_at_each_line(work: Callable[[int], None], stride: int) -> int:
    """Have a child do the work for each strideth line, and die there; how many lines there were."""
    line = 1
    while True:
        child = os.fork()
        if child == 0:
            work(line)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, status
            return line
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        line += stride
