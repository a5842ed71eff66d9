"""Runs pytest, and what failed beside other tests once more with nothing beside it: python ci/run_tests.py ARGS.

Tests of deadlines and of crowds of threads share a machine with each other. What passes at the second try is told as
flaky, by name, so that it is mended and not forgotten; what fails twice, or more than a few, is red.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

_SOME_FAILED: Final = 1
_MOST_TRIED_AGAIN: Final = 40
_CACHE: Final = Path(sys.prefix) / "pytest-cache"


def main(arguments: list[str]) -> int:
    shutil.rmtree(_CACHE, ignore_errors=True)
    status = _pytest(arguments)
    failed = _failed()
    if status != _SOME_FAILED or not 0 < len(failed) <= _MOST_TRIED_AGAIN:
        return status
    print(f"\n{len(failed)} failed; once more, with nothing beside:", flush=True)
    status = _pytest([*arguments, "--last-failed", "--numprocesses", "0"])
    for name in sorted(failed - _failed()):
        print(f"FLAKY {name}")
    return status


def _pytest(arguments: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "--override-ini", f"cache_dir={_CACHE}", *arguments]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own words, and those of the Makefile


def _failed() -> set[str]:
    try:
        return set(json.loads((_CACHE / "v" / "cache" / "lastfailed").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
