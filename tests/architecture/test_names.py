"""A name means one thing: a class in the whole package, a function where money is decided."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest

import molam_sdk

pytestmark = pytest.mark.slow

PACKAGE: Final = Path(molam_sdk.__file__).parent
ROOMS: Final = ("_core", "_http", "_transport", "store", "receiver", "webhooks", "journal", "_journalling")
HALVES: Final = {"awaited": "blocking", "plain_async_client.py": "client.py"}
NAMED_BY_DJANGO: Final = ("contrib/django/management", "contrib/django/migrations")


def _files() -> list[Path]:
    found = (path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py")))
    return [path for path in found if not path.as_posix().startswith(NAMED_BY_DJANGO)]


def _place(path: Path) -> str:
    """The file, the awaited and the blocking one counting as one: they say the same for two kinds of programs."""
    return "/".join(HALVES.get(part, part) for part in path.parts)


def _classes(path: Path) -> set[str]:
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def places(public_only: bool = True) -> dict[str, set[str]]:
    """Every class by its name, and where a class of that name is defined."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in _files():
        for name in _classes(path):
            if not (public_only and name.startswith("_")):
                found[name].add(_place(path))
    return found


def test_no_class_has_the_name_of_another() -> None:
    twice = {name: sorted(where) for name, where in places().items() if len(where) > 1}
    assert twice == {}


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_read(room: str) -> None:
    assert any(where.startswith(f"{room}/") for found in places().values() for where in found)


FUNCTIONS_IN: Final = (
    "_breaker", "_core", "_http", "_journalling", "_transport", "journal", "receiver", "redaction", "secrets",
    "store", "webhooks",
)  # fmt: skip
MIGRATIONS: Final = "store/revisions"  # whose functions Alembic names
SAME_IN_BOTH_WORLDS: Final = {"resolve"}  # names to addresses: awaited, and where a thread may block


def _functions() -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if place.parts[0] not in FUNCTIONS_IN or place.as_posix().startswith(MIGRATIONS):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                found[node.name].add(_place(place))
    return found


def test_no_function_has_the_name_of_another() -> None:
    twice = {name: sorted(where) for name, where in _functions().items() if len(where) > 1}
    assert twice.keys() == SAME_IN_BOTH_WORLDS, twice
