"""Mutation testing room by room: change the code in every way mutmut knows, and see which changes no test notices.

``python ci/mutants.py core`` tries every change of the core; ``--sample 200`` draws that many, by ``--seed``. Prints
each change that lived and the score; exits with 1 where a room stays under its bar. The work is done on a copy of the
repository under ``mutants/``.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from coverage import CoverageData

ROOT: Final = Path(__file__).resolve().parent.parent
WORK: Final = ROOT / "mutants"


def _unit(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/test_{name}.py" for name in names)


def _hostile(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/clients/hostile/test_{name}.py" for name in names)


_TOLD_OF_CALLS: Final = _unit("base_client", "client", "money", "cb", "metrics", "logging_setup", "otel")
_DIFFERENTIAL: Final = (
    "tests/http/test_differential.py::test_the_reader_is_never_more_lenient_than_the_rfc_nor_alone_in_what_it_reads[0]"
)
# A change may make a call wait forever.
_PYTEST: Final = ("-p", "no:cacheprovider", "-q", "-m", "not slow and not alone", "--timeout=30")
_NOT_FOUND: Final = "ERROR: not found:"
_PATIENCE: Final = 60.0
_DURATION: Final = re.compile(r"^([0-9.]+)s call +(\S.*)$", re.M)
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (tests/.*?)(?: - .*)?$", re.M)
_SECTION: Final = "[tool.mutmut]"
_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Room:
    """What is changed, which tests may notice, and how many in a hundred must.

    ``at_import``: functions that only run while modules are imported, of which nobody can say which test runs them;
    they are left out. Each change is tried in a process of its own: mutmut's way, a fork of a process that has run the
    tests, ends in a segmentation fault where threads and event loops run.
    """

    changed: tuple[str, ...]
    tests: tuple[str, ...]
    bar: int = 90
    at_import: tuple[str, ...] = ()


ROOMS: Final = {
    "core": Room(
        ("molam_sdk/_core/*",),
        ("tests/core", "tests/models/test_answers.py", "tests/models/test_payloads.py", *_TOLD_OF_CALLS),
        bar=95,
        at_import=("_core.rules.x__labelled__", "_core.answer.x_parse_model__"),
    ),
    # Of the differential test one seed in twenty: each runs five thousand answers.
    "http": Room(
        ("molam_sdk/_http/*",),
        (*(f"tests/http/test_{name}.py" for name in ("body", "framing", "head", "reader", "request")), _DIFFERENTIAL),
    ),
    "transport": Room(
        ("molam_sdk/_transport/*",),
        (
            *("tests/transport", "tests/clients/async_only/test_concurrency.py", "tests/security/test_rotation.py"),
            *_hostile("bulkhead", "connections", "framing", "outcomes"),
        ),
    ),
    "webhooks": Room(("molam_sdk/webhooks/*",), ("tests/webhooks",)),
    "receiver": Room(("molam_sdk/receiver/*",), ("tests/receiver", "tests/contrib")),
    "store": Room(("molam_sdk/store/*",), ("tests/store", "tests/receiver/test_transactions.py")),
}


def settings(room: Room) -> str:
    """The section of pyproject.toml that mutmut reads."""
    lines = {
        "source_paths": ["molam_sdk"],
        "only_mutate": list(room.changed),
        "pytest_add_cli_args_test_selection": ["tests/test_money.py"],  # it wants one; the choice is made below
        "pytest_add_cli_args": list(_PYTEST),
        "also_copy": ["README.md", "Makefile", "benchmarks", "ci", "docs", "examples"],
    }
    told = [f"{name} = {json.dumps(value)}" for name, value in lines.items()]
    return "\n".join([_SECTION, *told, "track_dependencies = false"])


def copy_of_repository(name: str, room: Room) -> Path:
    """A fresh copy of what git tracks or would, set up for this room."""
    place = WORK / name
    shutil.rmtree(place, ignore_errors=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - our own words only
    for file in filter(None, done.stdout.decode().split("\0")):
        if (ROOT / file).is_file():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, place / file)
    project = place / "pyproject.toml"
    project.write_text(f"{project.read_text(encoding='utf-8')}\n{settings(room)}\n", encoding="utf-8")
    return place


def make_changes(place: Path) -> list[str]:
    """Every change that mutmut can make here, by name; what it says is kept in a file, for it is long."""
    _mutmut(place, "run", "none of them")  # makes the changes; then finds no such change
    return [
        change
        for file in sorted((place / "mutants" / "molam_sdk").rglob("*.meta"))
        for change in json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
    ]


def _mutmut(place: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "mutmut", *arguments]
    with (place / "mutmut.log").open("a") as log:
        subprocess.run(command, cwd=place, stdout=log, stderr=subprocess.STDOUT, check=False)  # noqa: S603 - as above


def try_room(name: str, sample: int | None, seed: int) -> float:
    """Try the changes of a room, print those that lived, and return how many in a hundred were noticed."""
    room = ROOMS[name]
    place = copy_of_repository(name, room)
    names = [change for change in make_changes(place) if not any(part in change for part in room.at_import)]
    if not names:
        sys.exit(f"{name}: mutmut made no change; see {place / 'mutmut.log'}")
    if sample is not None and sample < len(names):
        # Repeatable on purpose.
        names = random.Random(seed).sample(names, sample)  # noqa: S311
    tests = TestsByLine(place, room)
    lived = 0
    for change in names:
        chosen = tests.that_run(change)
        why = _survives(place, change, chosen) if chosen else "no test runs it"
        if why:
            print(f"  {change}: {why}", flush=True)
            lived += 1
    score = 100 * (1 - lived / len(names))
    print(f"{name}: {len(names) - lived} of {len(names)} changes noticed, {score:.1f}% (bar {room.bar}%)", flush=True)
    return score


def _survives(place: Path, change: str, tests: Sequence[str]) -> str:
    """Why a change lived; empty where a test failed, or hung."""
    file = place / _file_of(change)
    before = file.read_text(encoding="utf-8")
    file.write_text(_changed(place, change), encoding="utf-8")
    try:
        return "" if _pytest(place, "-x", *tests, seconds=600) else "survived"
    finally:
        file.write_text(before, encoding="utf-8")


def _changed(place: Path, change: str) -> str:
    """The file with the change in place of the function. mutmut's own ``apply`` takes the first method of that name,
    in whatever class it stands."""
    name = change.rpartition(".")[2]
    made = (place / "mutants" / _file_of(change)).read_text(encoding="utf-8")
    variants = [node for node in ast.walk(ast.parse(made)) if isinstance(node, _FUNCTION) and node.name == name]
    function = _function_of(place, change)
    variant = made.splitlines(keepends=True)[variants[0].lineno - 1 : variants[0].end_lineno]
    variant[0] = variant[0].replace(name, function.name, 1)
    lines = (place / _file_of(change)).read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join([*lines[: function.lineno - 1], *variant, *lines[function.end_lineno :]])


def _pytest(place: Path, *arguments: str, seconds: float) -> int:
    """What the tests ended with; -1 where they did not end. Tests that are not found are no answer."""
    command = [sys.executable, "-m", "pytest", *_PYTEST, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(place)}
    try:
        done = subprocess.run(  # noqa: S603 - as above
            command, cwd=place, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return -1
    if _NOT_FOUND in done.stdout + done.stderr:
        sys.exit(f"pytest does not know its own tests: {(done.stdout + done.stderr)[-2000:]}")
    (place / "pytest.log").write_text(done.stdout, encoding="utf-8")
    return done.returncode


class TestsByLine:
    """Which tests run which function, and for how long: learnt from one run of the room's tests with coverage."""

    def __init__(self, place: Path, room: Room) -> None:
        self._place = place
        learn = (
            "--cov=molam_sdk",
            "--cov-context=test",
            "--cov-report=",
            "--durations=0",
            "-vv",
            "-n",
            "2",
            "--timeout=300",
        )
        ended = _pytest(place, *learn, *room.tests, seconds=1800)
        if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):  # all changes would seem to be run by none
            sys.exit(f"the tests without any change did not end: see {place / 'pytest.log'}")
        told = (place / "pytest.log").read_text(encoding="utf-8")
        self._failing = frozenset(_FAILED.findall(told))  # as under a load that it was not made for
        print("".join(f"  left out, it fails without any change: {test}\n" for test in sorted(self._failing)), end="")
        self._seconds = {test: float(seconds) for seconds, test in _DURATION.findall(told)}
        self._data = CoverageData(str(place / ".coverage"))
        self._data.read()

    def that_run(self, change: str) -> list[str]:
        """The quickest of the tests that run the changed function, as many as take a minute together."""
        function = _function_of(self._place, change)
        # Those of its head run when it is defined.
        lines = range(function.body[0].lineno, (function.end_lineno or 0) + 1)
        contexts = self._data.contexts_by_lineno(str(self._place / _file_of(change)))
        found = {context.rpartition("|")[0] for line in lines for context in contexts.get(line, ()) if context}
        chosen: list[str] = []
        spent = 0.0
        for test in sorted(found - self._failing, key=lambda test: self._seconds.get(test, 0.0)):
            spent += self._seconds.get(test, 0.0)
            if chosen and spent > _PATIENCE:
                break
            chosen.append(test)
        return chosen


def _file_of(change: str) -> Path:
    return Path(*change.split(".")[:-1]).with_suffix(".py")


def _function_of(place: Path, change: str) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """The function that is changed, as it was."""
    mangled = change.rpartition(".")[2].rpartition("__mutmut_")[0]  # x_name, or xǁClassǁname
    *_, scope, name = ["", mangled.removeprefix("x_")] if "ǁ" not in mangled else mangled.split("ǁ")
    tree = ast.parse((place / _file_of(change)).read_text(encoding="utf-8"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == scope]
    found = [
        node for node in ast.walk(classes[0] if classes else tree) if isinstance(node, _FUNCTION) and node.name == name
    ]
    return found[-1]  # those before it are its overloads


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", choices=[*ROOMS, []], metavar="room", help=", ".join(ROOMS))
    parser.add_argument("--sample", type=int, help="this many changes per room; all if left out")
    parser.add_argument("--seed", type=int, default=1, help="decides which")
    given = parser.parse_args(arguments)
    scores = {name: try_room(name, given.sample, given.seed) for name in given.rooms or ROOMS}
    return int(any(score < ROOMS[name].bar for name, score in scores.items()))


if __name__ == "__main__":
    sys.exit(main())
