"""Mutation testing room by room: change the code in every way mutmut knows, and see which changes no test notices.

``python ci/mutants.py core`` tries every change of the core; ``--sample 200`` draws that many, by ``--seed``. Prints
each change that lived and the score; exits with 1 where a room stays under its bar. The work is done on a copy of the
repository under ``mutants/``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
WORK: Final = ROOT / "mutants"


def _unit(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/test_{name}.py" for name in names)


def _hostile(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/clients/hostile/test_{name}.py" for name in names)


_DIFFERENTIAL: Final = (
    "tests/http/test_differential.py::test_the_reader_is_never_more_lenient_than_the_rfc_nor_alone_in_what_it_reads[0]"
)
_TRANSPORT: Final = (
    *(f"tests/transport/test_{name}.py" for name in ("connect", "unforeseen")),
    *("tests/transport/awaited", "tests/transport/blocking/test_connection.py"),
    *("tests/transport/blocking/test_ordinary.py", "tests/clients/async_only/test_concurrency.py"),
)
# A change may make a call wait forever.
_PYTEST: Final = ("-p", "no:cacheprovider", "-q", "-m", "not slow and not alone", "--timeout=15")
_LIVED: Final = {0: "survived", 33: "no test runs it", None: "not tried"}
_SECTION: Final = "[tool.mutmut]"


@dataclass(frozen=True, slots=True)
class Room:
    """What is changed, which tests may notice, and how many in a hundred must.

    ``one_by_one``: each change is tried in a process of its own, which takes longer. mutmut's way, a fork of a process
    that has run the tests, ends in a segmentation fault where threads and event loops run. ``at_import``: functions
    that only run while modules are imported, before a change is switched on; they are left out.
    """

    changed: tuple[str, ...]
    tests: tuple[str, ...]
    bar: int = 90
    one_by_one: bool = False
    at_import: tuple[str, ...] = ()


ROOMS: Final = {
    "core": Room(
        ("molam_sdk/_core/*",),
        ("tests/core", *_unit("base_client", "client", "models", "money", "cb", "metrics", "logging_setup", "otel")),
        bar=95,
        at_import=("_core.rules.x__labelled__", "_core.answer.x_parse_model__", "_core.answer.x_parse_model_of__"),
    ),
    # Of the differential test one seed in twenty: each runs five thousand answers.
    "http": Room(
        ("molam_sdk/_http/*",),
        (*(f"tests/http/test_{name}.py" for name in ("body", "framing", "head", "reader", "request")), _DIFFERENTIAL),
    ),
    "transport": Room(
        ("molam_sdk/_transport/*",),
        (*_TRANSPORT, *_hostile("bulkhead", "connections", "framing", "outcomes")),
        one_by_one=True,
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
        "pytest_add_cli_args_test_selection": list(room.tests),
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


def mutmut(place: Path, *arguments: str) -> None:
    """Run mutmut there; what it says is kept in a file, for it is long."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    with (place / "mutmut.log").open("a") as log:
        subprocess.run(command, cwd=place, stdout=log, stderr=subprocess.STDOUT, check=False)  # noqa: S603 - as above


def results(place: Path) -> Iterator[tuple[str, int | None]]:
    """Each change and what the tests ended with under it: 0 where all passed, None where none was run."""
    for file in sorted((place / "mutants" / "molam_sdk").rglob("*.meta")):
        yield from json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"].items()


def try_room(name: str, sample: int | None, seed: int, children: int) -> float:
    """Try the changes of a room, print those that lived, and return how many in a hundred were noticed."""
    room = ROOMS[name]
    place = copy_of_repository(name, room)
    mutmut(place, "run", "none of them")  # makes the changes and learns which test runs what; then finds no such change
    names = [change for change, _ in results(place) if not any(part in change for part in room.at_import)]
    if not names:
        sys.exit(f"{name}: mutmut made no change; see {place / 'mutmut.log'}")
    if sample is not None and sample < len(names):
        # Repeatable on purpose.
        names = random.Random(seed).sample(names, sample)  # noqa: S311
    ended = _ended_alone(place, room, names) if room.one_by_one else _ended_in_forks(place, names, children)
    lived = {change: _LIVED[ended[change]] for change in names if ended[change] in _LIVED}
    for change, why in sorted(lived.items()):
        print(f"  {change}: {why}")
    score = 100 * (1 - len(lived) / len(names))
    print(
        f"{name}: {len(names) - len(lived)} of {len(names)} changes noticed, {score:.1f}% (bar {room.bar}%)", flush=True
    )
    return score


def _ended_in_forks(place: Path, names: Sequence[str], children: int) -> dict[str, int | None]:
    # mutmut wants names whose function some test runs; the others have lived already.
    tested = json.loads((place / "mutants" / "mutmut-stats.json").read_text(encoding="utf-8"))
    known = tested["tests_by_mangled_function_name"]
    mutmut(place, "run", "--max-children", str(children), *(n for n in names if n.rpartition("__mutmut_")[0] in known))
    return dict(results(place))


def _ended_alone(place: Path, room: Room, names: Sequence[str]) -> dict[str, int | None]:
    command = [sys.executable, "-m", "pytest", "-x", "-n", "4", *_PYTEST, *room.tests]
    ended: dict[str, int | None] = {}
    for name in names:
        file = Path(*name.split(".")[:-1]).with_suffix(".py")
        mutmut(place, "apply", name)
        if (place / file).read_bytes() == (ROOT / file).read_bytes():
            sys.exit(f"{name} was not applied; see {place / 'mutmut.log'}")
        try:
            environment = {**os.environ, "PYTHONPATH": str(place)}
            done = subprocess.run(command, cwd=place, env=environment, capture_output=True, timeout=120, check=False)  # noqa: S603 - as above
            ended[name] = done.returncode
        except subprocess.TimeoutExpired:
            ended[name] = -1
        shutil.copy(ROOT / file, place / file)
    return ended


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", choices=[*ROOMS, []], metavar="room", help=", ".join(ROOMS))
    parser.add_argument("--sample", type=int, help="this many changes per room; all if left out")
    parser.add_argument("--seed", type=int, default=1, help="decides which")
    parser.add_argument("--children", type=int, default=2, help="processes at a time")
    given = parser.parse_args(arguments)
    scores = {name: try_room(name, given.sample, given.seed, given.children) for name in given.rooms or ROOMS}
    return int(any(score < ROOMS[name].bar for name, score in scores.items()))


if __name__ == "__main__":
    sys.exit(main())
