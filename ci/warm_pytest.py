"""pytest in a fork of a process that has imported what tests import, so that a run of few tests takes a tenth of a
second and not five. Nothing of the package is imported before the fork: it may have been changed since."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Final

# Neither what the package imports in a way of its own (pybreaker), nor what starts threads.
_IMPORTED_BEFORE: Final = [
    *("pytest", "coverage", "xdist", "hypothesis.strategies", "pydantic", "requests", "cryptography.x509", "trustme"),
    *("anyio.pytest_plugin", "platformdirs", "prometheus_client", "execnet", "schemathesis.pytest.plugin"),
    *("aiohttp", "httpx", "pook", "trio", "vcr", "httpretty", "responses", "requests_mock", "h11", "httptools"),
    *("sqlalchemy.ext.asyncio", "django.test", "flask", "fastapi", "starlette.testclient", "celery", "schemathesis"),
]


def warm() -> ForkServerContext:
    """The place to run pytest from. What is not installed is left out."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED_BEFORE)
    return context


def run(context: ForkServerContext, place: Path, arguments: Sequence[str], seconds: float) -> int:
    """What the tests ended with; -1 where they did not end in time. What pytest said stands in ``pytest.log``."""
    process = context.Process(target=_run, args=(place, list(arguments)))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        return -1
    return process.exitcode


def _run(place: Path, arguments: list[str]) -> None:
    import pytest

    os.chdir(place)
    os.environ["PYTHONPATH"] = str(place)
    sys.dont_write_bytecode = False  # what did not change since the last run is not compiled again
    sys.path[:] = [str(place), *(path for path in sys.path if path != str(Path(__file__).parent))]
    log = os.open("pytest.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = pytest.main(["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning", *arguments])
    sys.stdout.flush()
    os._exit(code)  # threads that a change has left hanging keep no process
