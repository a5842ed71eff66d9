"""Runs pytest, and what failed beside other tests once more with nothing beside it: python ci/run_tests.py ARGS.

Tests of deadlines and of crowds of threads share a machine with each other. What passes at the second try is told as
flaky, by name, so that it is mended and not forgotten; what fails twice, or more than a few, is red.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

_SOME_FAILED: Final = 1
_MOST_TRIED_AGAIN: Final = 40


def main(arguments: list[str]) -> int:
    with TemporaryDirectory() as cache:
        return _in_two_tries(arguments, Path(cache))


def _in_two_tries(arguments: list[str], cache: Path) -> int:
    status = _pytest(arguments, cache)
    failed = _failed(cache)
    if status != _SOME_FAILED or not 0 < len(failed) <= _MOST_TRIED_AGAIN:
        return status
    print(f"\n{len(failed)} failed; once more, with nothing beside:", flush=True)
    status = _pytest([*arguments, "--last-failed", "--numprocesses", "0"], cache)
    for name in sorted(failed - _failed(cache)):
        print(f"FLAKY {name}")
    return status


def _pytest(arguments: list[str], cache: Path) -> int:
    command = [sys.executable, "-m", "pytest", "--override-ini", f"cache_dir={cache}", *arguments]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own words, and those of the Makefile


def _failed(cache: Path) -> set[str]:
    try:
        return set(json.loads((cache / "v" / "cache" / "lastfailed").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
