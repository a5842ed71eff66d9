"""Imports point down only, the core knows no library that waits, and the sandbox judges by rules of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import molam_sdk

pytestmark = pytest.mark.slow

PACKAGE = Path(molam_sdk.__file__).parent

# From the top down: a part may import what stands below it, never beside or above it.
LAYERS = [
    "cli pytest_plugin",
    "ops",
    "__init__ contrib sandbox testing otel transports",
    "_webhook_samples health",
    "receiver",
    "sync_client async_client",
    "client plain_async_client",
    "_journalling",
    "_base_client _resolving",
    "_client_state",
    "_transport cb metrics logging_setup _api_key _switches",
    "_http types _breaker _connections _journal_metrics",
    "store",
    "journal",
    "_core",
    "webhooks",
    "models",
    "config",
    "secrets",
    "_params _payload_error _cached_answer _tally",
    "_environment _places _setting_checks",
    "money exceptions _forks _version _quiet_log _worker",
    "_molam_error _facts_line _trace_id",
    "redaction",
    "_pybreaker _interruption _aside _error_facts _frames _greenlets _service_token",
    "_json_safe _shown _outcome _thread_end _to_its_end _duration",
]
DRAWN = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer.split()}

NOT_IN_THE_CORE = {
    "requests",
    "urllib3",
    "aiohttp",
    "pybreaker",
    "prometheus_client",
    "sqlalchemy",
    "logging",
    "socket",
}
NOT_IN_HTTP = {"socket", "ssl", "select", "selectors", "asyncio", "requests", "urllib3", "aiohttp", "http", "logging"}
# tests/sandbox/test_floors.py holds that logging_setup is for the program alone: how a log is written is no judgement.
OURS_IN_THE_SANDBOX = {"sandbox", "_version", "logging_setup"}


def _files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the full name of everything a file imports, inside functions too."""
    module = ["molam_sdk", *path.relative_to(PACKAGE).with_suffix("").parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(module[: len(module) - node.level]) if node.level else ""
            name = ".".join(filter(None, (base, node.module)))
            yield from ((node.lineno, f"{name}.{alias.name}") for alias in node.names)


def _own_part(name: str) -> str | None:
    head, _, rest = name.partition(".")
    return (rest.partition(".")[0] or "__init__") if head == "molam_sdk" else None


def test_the_layers_are_drawn_as_they_are() -> None:
    drawn = DRAWN.partition("## The layers")[2].partition("```text\n")[2].partition("```")[0]
    assert [line.split() for line in drawn.splitlines()] == [layer.split() for layer in LAYERS]


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    here = _part(path)
    assert here in RANK, f"{here} has no layer"
    wrong = []
    for line, name in _imports(path):
        target = _own_part(name)
        if target is None or target == here:
            continue
        target = target if target in RANK else "__init__"
        if RANK[target] <= RANK[here]:
            wrong.append(f"line {line}: {name}")
    assert wrong == []


@pytest.mark.parametrize("path", sorted((PACKAGE / "_core").glob("*.py")), ids=lambda path: path.name)
def test_the_core_never_waits(path: Path) -> None:
    assert {name.partition(".")[0] for _, name in _imports(path)} & NOT_IN_THE_CORE == set()


@pytest.mark.parametrize("path", sorted((PACKAGE / "_http").glob("*.py")), ids=lambda path: path.name)
def test_http_knows_bytes_and_no_socket(path: Path) -> None:
    assert {name.partition(".")[0] for _, name in _imports(path)} & NOT_IN_HTTP == set()


@pytest.mark.parametrize("path", sorted((PACKAGE / "sandbox").rglob("*.py")), ids=lambda path: path.name)
def test_the_sandbox_shares_no_code_with_what_it_judges(path: Path) -> None:
    assert {part for _, name in _imports(path) if (part := _own_part(name))} <= OURS_IN_THE_SANDBOX
