"""The asyncio client is the blocking one, awaited: same methods, same signatures, same words, same text."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from molam_sdk import AsyncPages, MolamAsyncClient, MolamSyncClient, Pages, async_client, client
from molam_sdk._core.operations import BY_NAME
from molam_sdk.testing import AsyncScriptedTransport, ScriptedTransport

# What asyncio calls by another name. Everything else must be the same to the letter.
BLOCKING_NAMES: Final = {
    "MolamAsyncClient": "MolamClient",
    "AsyncPages": "Pages",
    "AsyncIterator": "Iterator",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
}
# Where the two stand on different ground: construction, the view, and the event loop.
OF_ASYNCIO_ONLY: Final = {"__init__", "client", "_begin", "_passage"}
NOT_AWAITED: Final = {"set_api_key", "set_region", "verify_webhook_signature", "client"}


class Blocking(ast.NodeTransformer):
    """Takes every async and await out of a piece of code."""

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return self.visit(node.value)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        values = {field: getattr(node, field) for field in node._fields}
        return self.visit_FunctionDef(ast.FunctionDef(**values))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = BLOCKING_NAMES.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        return self.generic_visit(ast.With(items=node.items, body=node.body))

    def visit_With(self, node: ast.With) -> ast.AST:
        """``with a: with b:`` is ``with a, b:``."""
        self.generic_visit(node)
        if len(node.body) == 1 and isinstance(inner := node.body[0], ast.With):
            return ast.With(items=node.items + inner.items, body=inner.body)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Awaitable":
            return self.visit(node.slice)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = BLOCKING_NAMES.get(node.id, node.id)
        return node


def methods(of: Any, name: str) -> dict[str, str]:
    """The source of each method of a class, without async, await and line breaks."""
    tree = ast.parse(Path(inspect.getfile(of)).read_text(encoding="utf-8"))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name).body
    functions = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    plain = [ast.fix_missing_locations(Blocking().visit(function)) for function in functions]
    return {function.name: ast.unparse(function) for function in plain}


def public(of: type) -> Iterator[str]:
    return (name for name in dir(of) if not name.startswith("_"))


@pytest.mark.parametrize(
    ("blocking", "awaited", "apart"),
    [("MolamClient", "MolamAsyncClient", OF_ASYNCIO_ONLY), ("Pages", "AsyncPages", set())],
)
def test_the_asyncio_text_is_the_blocking_text_awaited(blocking: str, awaited: str, apart: set[str]) -> None:
    expected, actual = methods(client, blocking), methods(async_client, awaited)
    assert actual.keys() - apart == expected.keys() - apart
    for name in expected.keys() - apart:
        assert actual[name] == expected[name]


@pytest.mark.parametrize(("blocking", "awaited"), [(MolamSyncClient, MolamAsyncClient), (Pages, AsyncPages)])
def test_both_have_the_same_public_names(blocking: type, awaited: type) -> None:
    assert set(public(blocking)) == set(public(awaited))


@pytest.mark.parametrize("name", sorted(public(MolamSyncClient)))
def test_signature_and_words_are_the_same(name: str) -> None:
    ours, theirs = getattr(MolamAsyncClient, name), getattr(MolamSyncClient, name)
    assert inspect.getdoc(ours) == inspect.getdoc(theirs)
    if not isinstance(ours, property):
        assert re.sub(r"\bAsyncPages\b", "Pages", str(inspect.signature(ours))) == str(inspect.signature(theirs))


@pytest.mark.parametrize("name", sorted(public(MolamSyncClient)))
def test_whatever_may_wait_is_awaited_and_nothing_else(name: str) -> None:
    awaited = inspect.iscoroutinefunction(getattr(MolamAsyncClient, name))
    assert awaited is not (name.startswith("list_") or name in NOT_AWAITED)


def test_both_are_made_with_the_same_arguments() -> None:
    ours, theirs = (inspect.signature(made).parameters for made in (MolamAsyncClient, MolamSyncClient))
    assert [(name, p.kind, p.default) for name, p in ours.items()] == [
        (name, p.kind, p.default) for name, p in theirs.items()
    ]


def test_every_operation_is_a_method_of_both() -> None:
    assert BY_NAME.keys() <= set(public(MolamSyncClient)) & set(public(MolamAsyncClient))


def test_both_scripted_transports_do_the_same() -> None:
    assert set(public(AsyncScriptedTransport)) == set(public(ScriptedTransport))
