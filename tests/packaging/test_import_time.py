"""Importing the SDK costs little more than importing what it stands on."""

import subprocess
import sys

import pytest

# CPU time: other work on the machine must not count.
CLOCK = "import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
FOUNDATION = "import requests, pydantic, pybreaker, prometheus_client"
SDK = "import molam_sdk; molam_sdk.MolamClient"
NEVER = {
    "aiohttp",
    "asyncio",
    "sqlalchemy",
    "starlette",
    "uvicorn",
    "click",
    "django",
    "flask",
    "fastapi",
    "redis",
}


def seconds(statement: str) -> float:
    """CPU seconds in the best of five fresh interpreters."""
    command = [sys.executable, "-c", CLOCK.format(statement=statement)]
    return min(float(subprocess.check_output(command)) for _ in range(5))


@pytest.mark.alone
def test_importing_the_client_adds_little_to_its_four_libraries() -> None:
    assert seconds(SDK) < seconds(FOUNDATION) + 0.25


def test_importing_the_client_loads_no_extra() -> None:
    assert NEVER & (modules(SDK) - modules(FOUNDATION)) == set()


def modules(statement: str) -> set[str]:
    """What a fresh interpreter has loaded after a statement."""
    command = [sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)"]
    return set(subprocess.check_output(command, text=True).split())
