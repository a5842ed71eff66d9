"""The recipes of CONTRIBUTING.md, carried out on a copy of the repository as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LEFT_BEHIND: Final = shutil.ignore_patterns(
    ".git", ".venv*", ".*cache", ".hypothesis", "__pycache__", "dist", "build", "mutants"
)
MOST_FILES: Final = 8
PLUGINS: Final = ("pytest_asyncio.plugin", "pytest_timeout", "molam_sdk.pytest_plugin")

_RECIPE: Final = re.compile(r"^### (?P<title>[^\n]+)\n(?P<text>.*?)(?=^###? |\Z)", re.M | re.S)
_CHANGE: Final = re.compile(r"^```diff\n--- (?P<file>\S+)\n(?P<hunks>.*?)^```", re.M | re.S)
_COMMANDS: Final = re.compile(r"^```sh\n(?P<lines>.*?)^```", re.M | re.S)
_IN_PART: Final = "…"


@dataclass(frozen=True)
class Recipe:
    """The changes, file by file, and the commands that follow."""

    title: str
    changes: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]

    @property
    def generators(self) -> tuple[str, ...]:
        return tuple(line for line in self.commands if "pytest" not in line)

    @property
    def tests(self) -> str:
        """The commands that run tests, as one."""
        first, *more = (line for line in self.commands if "pytest" in line)
        return " ".join([first, *(line.partition("pytest ")[2] for line in more)])


def _read(found: re.Match[str]) -> Recipe:
    changes = tuple((change["file"], change["hunks"]) for change in _CHANGE.finditer(found["text"]))
    commands = tuple(line for block in _COMMANDS.finditer(found["text"]) for line in block["lines"].splitlines())
    return Recipe(found["title"], changes, commands)


RECIPES: Final = {
    recipe.title: recipe
    for recipe in map(_read, _RECIPE.finditer((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
}
OPERATION: Final = RECIPES["An operation"]
GENERATED: Final = "molam_sdk/client.py"


def _is(line: str, shown: str) -> bool:
    return line.startswith(shown[: -len(_IN_PART)]) if shown.endswith(_IN_PART) else line == shown


def _changed(lines: list[str], hunk: Sequence[str], file: str) -> list[str]:
    """The lines with one hunk applied at the one place where its context stands."""
    before = [line[1:] for line in hunk if not line.startswith("+")]
    if not before:
        return [*lines, *(line[1:] for line in hunk)]
    places = [
        start
        for start in range(len(lines) - len(before) + 1)
        if all(map(_is, lines[start : start + len(before)], before))
    ]
    assert places, f"CONTRIBUTING.md shows lines that {file} does not have: {before}"
    # An import stands before its name is used, so the first place is the one that is meant.
    at, made = places[0], []
    for line in hunk:
        if not line.startswith("+"):
            at += 1
        if not line.startswith("-"):
            made.append(line[1:] if line.startswith("+") else lines[at - 1])
    return [*lines[: places[0]], *made, *lines[at:]]


def _apply(root: Path, file: str, hunks: str) -> None:
    lines = (root / file).read_text(encoding="utf-8").splitlines()
    for hunk in re.split(r"^@@\n", hunks, flags=re.M):
        lines = _changed(lines, hunk.splitlines(), file)
    (root / file).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _run(root: Path, command: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable if word == "python" else word for word in command.split()]
    if "pytest" in arguments:
        arguments += ["-q", "--tb=short", "-p", "no:cacheprovider", *(f"-p{plugin}" for plugin in PLUGINS)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "PYTHONPYCACHEPREFIX": str(root.parent / "compiled"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # loading them all takes a third of a run
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(arguments, cwd=root, env=environment, capture_output=True, text=True, timeout=110)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each copy is put in turn, so that what Python compiled for one serves the next."""
    return tmp_path_factory.mktemp("contributing") / "copy"


@pytest.fixture
def copy(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    return shutil.copytree(ROOT, place, ignore=LEFT_BEHIND)


@pytest.mark.slow
@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_ends_green(title: str, copy: Path) -> None:
    recipe = RECIPES[title]
    for file, hunks in recipe.changes:
        _apply(copy, file, hunks)
    for command in (*recipe.generators, recipe.tests):
        done = _run(copy, command)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("forgotten", [*(file for file, _ in OPERATION.changes), GENERATED])
def test_what_is_forgotten_of_an_operation_is_named(forgotten: str, copy: Path) -> None:
    for file, hunks in OPERATION.changes:
        if file != forgotten:
            _apply(copy, file, hunks)
    for command in () if forgotten == GENERATED else OPERATION.generators:
        assert _run(copy, command).returncode == 0

    done = _run(copy, f"{OPERATION.tests} -x")

    assert done.returncode != 0, done.stdout
    assert forgotten.removeprefix("molam_sdk/") in done.stdout + done.stderr, done.stdout


def test_an_operation_touches_few_files() -> None:
    files = {file for file, _ in OPERATION.changes} | {GENERATED}
    assert len(files) <= MOST_FILES
    assert OPERATION.generators == ("python ci/generate_blocking.py",)


def test_every_recipe_that_is_promised_is_there() -> None:
    assert list(RECIPES) == ["An operation", "A rule", "An error", "A metric", "A fault of the sandbox"]
    assert all(recipe.changes and recipe.commands for recipe in RECIPES.values())
