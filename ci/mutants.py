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
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import warm_pytest
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
_PYTEST: Final = ("-p", "no:cacheprovider", "-q", "-m", "not slow and not alone")
_NOT_FOUND: Final = "ERROR: not found:"
# A change may make a call wait forever: a test gets so many times what it takes without it, and these seconds more.
_SLOWER: Final = 10.0
_SPARE: Final = 8.0
_DURATION: Final = re.compile(r"^([0-9.]+)s call +(\S.*)$", re.M)
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (tests/.*?)(?: - .*)?$", re.M)
_SECTION: Final = "[tool.mutmut]"
_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Room:
    """What is changed, which tests may notice, and how many in a hundred must. ``patience``: how many seconds of tests
    a change is tried with, the quickest of those that run it.

    ``at_import``: functions that only run while modules are imported, of which nobody can say which test runs them;
    they are left out. Each change is tried in a process of its own, which has run no test before: mutmut's way, a fork
    of one that has, ends in a segmentation fault where threads and event loops ran.
    """

    changed: tuple[str, ...]
    tests: tuple[str, ...]
    bar: int = 90
    patience: float = 60.0
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
        (
            *(
                f"tests/http/test_{name}.py"
                for name in ("body", "error", "framing", "head", "oddities", "reader", "request")
            ),
            _DIFFERENTIAL,
        ),
    ),
    "transport": Room(
        ("molam_sdk/_transport/*",),
        (
            *("tests/transport", "tests/clients/async_only/test_concurrency.py", "tests/security/test_rotation.py"),
            *_hostile("bulkhead", "connections", "framing", "outcomes"),
        ),
        patience=15.0,
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
        why = tests.survives(change, chosen) if chosen else "no test runs it"
        if why:
            print(f"  {change}: {why}", flush=True)
            lived += 1
    score = 100 * (1 - lived / len(names))
    print(f"{name}: {len(names) - lived} of {len(names)} changes noticed, {score:.1f}% (bar {room.bar}%)", flush=True)
    return score


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


def _learn(place: Path, *arguments: str) -> int:
    """What all the tests of a room ended with; pytest's own words stand in ``pytest.log``."""
    command = [sys.executable, "-m", "pytest", *_PYTEST, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(place)}
    with (place / "pytest.log").open("w") as log:
        done = subprocess.run(  # noqa: S603 - as above
            command, cwd=place, env=environment, stdout=log, stderr=subprocess.STDOUT, timeout=1800, check=False
        )
    return done.returncode


class TestsByLine:
    """Which tests run which function, and for how long: learnt from one run of the room's tests with coverage."""

    def __init__(self, place: Path, room: Room) -> None:
        self._place = place
        self._warm = warm_pytest.warm()
        self._patience = room.patience
        self._noticed: defaultdict[Path, Counter[str]] = defaultdict(Counter)
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
        ended = _learn(place, *learn, *room.tests)
        if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):  # all changes would seem to be run by none
            sys.exit(f"the tests without any change did not end: see {place / 'pytest.log'}")
        told = (place / "pytest.log").read_text(encoding="utf-8")
        self._failing = frozenset(_FAILED.findall(told))  # as under a load that it was not made for
        print("".join(f"  left out, it fails without any change: {test}\n" for test in sorted(self._failing)), end="")
        self._seconds = {test: float(seconds) for seconds, test in _DURATION.findall(told)}
        self._data = CoverageData(str(place / ".coverage"))
        self._data.read()

    def that_run(self, change: str) -> list[str]:
        """The quickest of the tests that run the changed function, as many as the room has patience for; first those
        that have noticed a change of its file."""
        function = _function_of(self._place, change)
        # Those of its head run when it is defined.
        lines = range(function.body[0].lineno, (function.end_lineno or 0) + 1)
        contexts = self._data.contexts_by_lineno(str(self._place / _file_of(change)))
        found = {context.rpartition("|")[0] for line in lines for context in contexts.get(line, ()) if context}
        chosen: list[str] = []
        spent = 0.0
        for test in sorted(found - self._failing, key=self._takes):
            spent += self._takes(test)
            if chosen and spent > self._patience:
                break
            chosen.append(test)
        noticed = self._noticed[_file_of(change)]
        return sorted(chosen, key=lambda test: -noticed[test])

    def survives(self, change: str, tests: Sequence[str]) -> str:
        """Why a change lived; empty where a test failed, or hung."""
        file = self._place / _file_of(change)
        each = _SPARE + _SLOWER * max(map(self._takes, tests))
        before = file.read_text(encoding="utf-8")
        _write(file, _changed(self._place, change))
        arguments = (*_PYTEST, "-x", f"--timeout={each}", *tests)
        try:
            ended = warm_pytest.run(self._warm, self._place, arguments, seconds=_SLOWER * _SPARE + each)
        finally:
            _write(file, before)
        told = (self._place / "pytest.log").read_text(encoding="utf-8")
        if _NOT_FOUND in told:
            sys.exit(f"pytest does not know its own tests: {told[-2000:]}")
        self._noticed[_file_of(change)].update(_FAILED.findall(told))
        return "" if ended else "survived"

    def _takes(self, test: str) -> float:
        return self._seconds.get(test, 0.0)


def _write(file: Path, text: str) -> None:
    """Without what Python keeps of the file: another of the same second and length would pass for it."""
    for kept in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
        kept.unlink()
    file.write_text(text, encoding="utf-8")


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
