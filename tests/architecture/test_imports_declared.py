"""What is imported is declared: in the core's dependencies, or in the extra of the room it is imported in."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import molam_sdk

pytestmark = pytest.mark.slow

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = Path(molam_sdk.__file__).parent
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]

# Whoever uses the room has installed this extra. The longest prefix counts; a room that is not here has the core's.
ROOMS = {
    "_journalling/awaited/journal": "sql",
    "_journalling/blocking/journal": "sql",
    "_greenlets": "sql-async",
    "_journalling/opening": "sql",
    "cli": "cli",
    "contrib/aiohttp": "aiohttp",
    "contrib/celery": "celery",
    "contrib/celery_inbox": "celery",
    "contrib/celery_journal": "celery",
    "contrib/django": "django",
    "contrib/fastapi": "fastapi",
    "contrib/flask": "flask",
    "contrib/openfeature": "flags",
    "contrib/starlette": "fastapi",
    "otel": "otel",
    "receiver": "otel",
    "sandbox": "sandbox",
    "store/async_redis": "redis-async",
    "store/async_sql": "sql-async",
    "store/database/addresses": "sql",
    "store/database/alchemy": "sql",
    "store/database/psycopg_alone": "sql",
    "store/database/async_alchemy": "sql-async",
    "store/opening": "sql",
    "store/redis": "redis",
    "store/redis_durability": "redis",
    "store/sealing": "crypto",
    "store/sql": "sql",
}
# Who loads them is there: pytest its plugin, Alembic its revisions.
GIVEN = {"pytest_plugin": {"pytest"}, "store/revisions/__init__": {"alembic"}}


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def _provided(requirements: list[str]) -> dict[str, set[str]]:
    """By the name of each library: what can be imported of it, for all that it is called otherwise there."""
    names = [_name(line) for line in requirements]
    return {name: {file.parts[0].removesuffix(".py") for file in metadata.files(name) or ()} for name in names}


CORE = _provided(PROJECT["dependencies"])
EXTRAS = {name: _provided(lines) for name, lines in PROJECT["optional-dependencies"].items() if name != "all"}


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the top-level name of everything foreign that a file imports, for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        for top in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"molam_sdk"}:
            yield node.lineno, top


def _declared(path: Path) -> set[str]:
    place = path.relative_to(PACKAGE).with_suffix("").as_posix()
    rooms = [room for room in ROOMS if place == room or place.startswith(f"{room}/")]
    room = max(rooms, key=len, default=None)
    extra = EXTRAS[ROOMS[room]] if room else {}
    return set().union(GIVEN.get(place, set()), *CORE.values(), *extra.values())


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_what_a_file_imports_is_declared(path: Path) -> None:
    declared = _declared(path)
    assert [f"line {line}: {name}" for line, name in _imports(path) if name not in declared] == []


def test_every_library_of_the_core_is_imported_somewhere() -> None:
    imported = {name for path in PACKAGE.rglob("*.py") for _, name in _imports(path)}
    assert [library for library, names in CORE.items() if not names & imported] == []
