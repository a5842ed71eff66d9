"""The blocking text is what the awaited text makes; `make lint` compares letter by letter, this what the code says."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def _program() -> ModuleType:
    path = ROOT / "ci" / "generate_blocking.py"
    spec = importlib.util.spec_from_file_location("generate_blocking", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


program = _program()


def _statements(text: str) -> list[str]:
    """Every statement but the imports, which ruff sorts and thins out."""
    return [ast.dump(node) for node in ast.parse(text).body if not isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("pair", program.PAIRS, ids=lambda pair: pair.blocking)
def test_the_blocking_file_says_what_the_awaited_one_makes(pair) -> None:
    awaited = (program.PACKAGE / pair.awaited).read_text(encoding="utf-8")
    blocking = (program.PACKAGE / pair.blocking).read_text(encoding="utf-8")

    made = program.blocking_text(awaited, pair)

    assert _statements(blocking) == _statements(made), f"{pair.blocking} is stale: run `make blocking`"


AWAITED = '''"""What MolamAsyncClient says, for asyncio."""

import asyncio  # blocking: import time


async def wait(ask: Callable[[int], Awaitable[dict[str, int]]], seconds: float) -> AsyncIterator[int]:
    async with lock, other as held:
        await asyncio.sleep(seconds)  # blocking: time.sleep(seconds)
        loop = asyncio.get_running_loop()  # blocking:
        found = [item async for item in held]
    return (await
            ask(f"{seconds} MolamAsyncClient"))
'''
BLOCKING = '''"""What MolamSyncClient says, for threads."""

import time


def wait(ask: Callable[[int], dict[str, int]], seconds: float) -> Iterator[int]:
    with lock, other as held:
        time.sleep(seconds)
        found = [item for item in held]
    return (ask(f"{seconds} MolamSyncClient"))
'''


def test_every_awaited_form_becomes_its_blocking_one() -> None:
    pair = program.Pair("a.py", "b.py", {"MolamAsyncClient": "MolamSyncClient"}, {"for asyncio": "for threads"})

    assert ast.dump(ast.parse(program.blocking_text(AWAITED, pair))) == ast.dump(ast.parse(BLOCKING))
