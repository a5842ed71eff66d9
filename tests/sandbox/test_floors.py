"""Imports inside the sandbox point down, rooms of one floor do not know each other, and no name is defined twice.

The sandbox judges the SDK, so it shares no code with it; and the plugin loads nothing unasked.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sandbox_process import ROOT

PACKAGE = ROOT / "molam_sdk"
SANDBOX = PACKAGE / "sandbox"
FILES = sorted(SANDBOX.rglob("*.py"))

# From the top down: a room may import what stands below it, never beside or above it.
FLOORS = [
    "__main__",
    "command",
    "__init__",
    "sandbox",
    "application extra",
    "http control console",
    "operations access deliveries",
    "contract store faults",
    "domain",
]
RANK = {room: rank for rank, floor in enumerate(FLOORS) for room in floor.split()}

# How the program writes its log is no judgement; everything the sandbox decides, it decides by its own hand.
FROM_THE_REST = {("command.py", "molam_sdk.logging_setup")}


def name(path: Path) -> str:
    return path.relative_to(SANDBOX).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(SANDBOX).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """The full name of every module a file imports from, inside functions and TYPE_CHECKING too."""
    here = ["molam_sdk", "sandbox", *path.relative_to(SANDBOX).with_suffix("").parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            # `from . import tables` and `from ..domain import magic` name modules, the rest names in a module.
            package = (ROOT / module.replace(".", "/")).is_dir()
            yield from (f"{module}.{alias.name}" if package else module for alias in node.names)


def classes(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.name.lstrip("_") for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_point_down(path: Path) -> None:
    here = room_of(path)
    assert here in RANK, f"{here} stands on no floor"
    rooms = {module.split(".")[2] for module in imported(path) if module.startswith("molam_sdk.sandbox.")} - {here}
    assert {room for room in rooms if RANK[room] <= RANK[here]} == set()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_file_imports_the_rest_of_the_sdk(path: Path) -> None:
    ours = {module for module in imported(path) if module.split(".")[0] == "molam_sdk"}
    outside = {module for module in ours if not module.startswith("molam_sdk.sandbox")}
    assert {(name(path), module) for module in outside} <= FROM_THE_REST


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250


def test_no_class_of_the_sandbox_has_the_name_of_another() -> None:
    ours = Counter(found for path in FILES for found in classes(path))
    others = {found for path in PACKAGE.rglob("*.py") if SANDBOX not in path.parents for found in classes(path)}
    assert {found for found, times in ours.items() if times > 1} == set()
    assert set(ours) & others == set()


def test_the_pytest_plugin_and_the_command_line_load_no_server() -> None:
    script = (
        "import sys, molam_sdk.pytest_plugin, molam_sdk.cli.commands\n"
        "heavy = {'starlette', 'uvicorn', 'sqlalchemy', 'aiohttp', 'molam_sdk.sandbox'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_the_package_itself_loads_nothing_until_it_is_asked() -> None:
    script = (
        "import sys, molam_sdk.sandbox as sandbox\n"
        "assert not {'starlette', 'uvicorn', 'sqlalchemy', 'click'} & set(sys.modules)\n"
        "assert all(getattr(sandbox, name) for name in sandbox.__all__)\n"
        "assert set(sandbox.__all__) <= set(dir(sandbox))\n"
        "assert (sandbox.Delivery, sandbox.Attempt) == (sandbox.WebhookDelivery, sandbox.DeliveryAttempt)\n"
        "assert sandbox.Fault is sandbox.InjectedFault"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
