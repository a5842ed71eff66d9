"""A sandbox as a process of its own, to be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.sandbox_api import Api

ROOT = Path(__file__).parents[2]


class Process:
    """`python -m molam_sdk.sandbox` on a free port; `url` and `key` are read from what it prints."""

    def __init__(self, *arguments: str, quiet: bool = True) -> None:
        hushed = ("--quiet",) if quiet else ()
        command = [sys.executable, "-m", "molam_sdk.sandbox", "--port", "0", *hushed, *arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.popen = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )
        assert self.popen.stdout is not None
        lines = [self.popen.stdout.readline() for _ in range(4)]
        self.url, self.key = lines[0].split()[-1], lines[1].split()[-1]

    def api(self) -> Api:
        return Api(self.url, self.key)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.popen.kill()
        self._reap()

    def terminate(self) -> int:
        """End it as an init system does; its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        code = self.popen.wait(timeout=15)
        for stream in (self.popen.stdout, self.popen.stderr):
            assert stream is not None
            stream.close()
        return code
