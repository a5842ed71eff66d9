"""What is awaited and what blocks offer the same: methods, signatures, words. test_generated holds their texts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from unittest.mock import create_autospec

import pytest

from molam_sdk import (
    AsyncPages,
    MolamAsyncClient,
    MolamClient,
    MolamSyncClient,
    Pages,
    PlainAsyncClient,
    async_client,
    client,
    plain_async_client,
    sync_client,
)
from molam_sdk._core.operations import BY_NAME
from molam_sdk.testing import AsyncScriptedTransport, ScriptedTransport

pytestmark = pytest.mark.slow

NOT_AWAITED: Final = {"in_doubt", "recover", "set_api_key", "set_region", "undo", "verify_webhook_signature"}
BLOCKING_NAMES: Final = {
    "AsyncIterator": "Iterator",
    "AsyncPages": "Pages",
    "AsyncTransport": "Transport",
    "AsyncUndo": "Undo",
    "PlainAsyncClient": "MolamClient",
}
CLIENTS: Final = [(MolamClient, PlainAsyncClient), (MolamSyncClient, MolamAsyncClient)]
PAIRS: Final = [*CLIENTS, (Pages, AsyncPages)]


def public(of: type) -> Iterator[str]:
    return (name for name in dir(of) if not name.startswith("_"))


def signature(of: Any) -> str:
    return re.sub(r"\b\w+\b", lambda word: BLOCKING_NAMES.get(word[0], word[0]), str(inspect.signature(of)))


METHODS = [
    pytest.param(getattr(blocking, name), getattr(awaited, name, None), name, id=f"{blocking.__name__}.{name}")
    for blocking, awaited in CLIENTS
    for name in sorted(public(blocking))
]


@pytest.mark.parametrize(("blocking", "awaited"), PAIRS)
def test_both_have_the_same_public_names(blocking: type, awaited: type) -> None:
    assert set(public(blocking)) == set(public(awaited))


@pytest.mark.parametrize(("blocking", "awaited", "name"), METHODS)
def test_signature_and_words_are_the_same(blocking: Any, awaited: Any, name: str) -> None:
    assert inspect.getdoc(blocking) == inspect.getdoc(awaited)
    if not isinstance(blocking, property):
        assert signature(blocking) == signature(awaited)


@pytest.mark.parametrize(("blocking", "awaited", "name"), METHODS)
def test_whatever_may_wait_is_awaited_and_nothing_else(blocking: Any, awaited: Any, name: str) -> None:
    may_wait = not (name.startswith("list_") or name in NOT_AWAITED or isinstance(blocking, property))
    assert inspect.iscoroutinefunction(awaited) is may_wait
    assert not inspect.iscoroutinefunction(blocking)


@pytest.mark.parametrize(("blocking", "awaited"), CLIENTS)
def test_both_are_made_with_the_same_arguments(blocking: type, awaited: type) -> None:
    assert signature(blocking) == signature(awaited)


@pytest.mark.parametrize("kind", [kind for pair in CLIENTS for kind in pair])
@pytest.mark.parametrize("operation", BY_NAME)
def test_every_operation_is_a_method_of_every_client(kind: type, operation: str) -> None:
    assert hasattr(kind, operation), (
        f"{operation} stands in _core/operations.py: give it a method in plain_async_client.py"
    )


@pytest.mark.parametrize(("kind", "file"), [(MolamClient, client), (PlainAsyncClient, plain_async_client)])
def test_the_definition_of_a_method_is_where_an_editor_goes(kind: type, file: Any) -> None:
    for operation in BY_NAME:
        assert inspect.getsourcefile(inspect.unwrap(getattr(kind, operation))) == file.__file__
        assert f"def {operation}(" in inspect.getsource(getattr(kind, operation))


@pytest.mark.parametrize("kind", [kind for pair in CLIENTS for kind in pair])
def test_a_merchant_can_autospec_every_client(kind: Any) -> None:
    double = create_autospec(kind, instance=True)
    with pytest.raises(TypeError):
        double.create_payment_intent({"amount": 1}, idempotncy_key="k")


@pytest.mark.parametrize("file", [client, sync_client])
def test_no_word_of_asyncio_is_left_in_a_blocking_file(file: Any) -> None:
    text = Path(file.__file__).read_text(encoding="utf-8")
    words = re.findall(r"(?i)\b\w*async\w*\b|\bawait\w*\b|event loop", text.partition("\n")[2])
    assert [word for word in words if word not in {"asyncio"}] == []


@pytest.mark.parametrize(("file", "says"), [(async_client, "MolamAsyncClient"), (sync_client, "MolamSyncClient")])
def test_every_file_speaks_of_its_own_client(file: Any, says: str) -> None:
    assert (file.__doc__ or "").startswith(says)


def test_both_scripted_transports_do_the_same() -> None:
    assert set(public(AsyncScriptedTransport)) == set(public(ScriptedTransport))
