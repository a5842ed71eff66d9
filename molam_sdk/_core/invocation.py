"""An operation of the API, and one invocation of it: ids, body and idempotency key filled in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from .._shown import shown
from ..exceptions import RequestValidationError
from .echo import NOTHING, Echo
from .evidence import is_molams
from .lookup import Lookup
from .wire import Reply

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """One row of the API. ``group`` names its bulkhead, ``key_prefix`` begins the idempotency keys made for it;
    ``absent_is_done``: a 404 after a lost answer means that it was done; ``echo``: what its answer must repeat;
    ``lookup``: what its object tells after a lost answer and a state conflict."""

    name: str
    group: str
    method: str
    path: str
    parse: Callable[[Reply], T] = field(repr=False)
    key_prefix: str = ""
    absent_is_done: bool = False
    echo: Echo = NOTHING
    lookup: Lookup | None = None

    def fill(
        self,
        path: str | None = None,
        *,
        query: Mapping[str, object | None] | None = None,
        body: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> Invocation[T]:
        """This operation, ready to send: under the given idempotency key, or a fresh one where one is due."""
        full_path = self.path if path is None else path
        if query:
            full_path = with_query(full_path, query)
        key = check_idempotency_key(idempotency_key, self.key_prefix) if self.key_prefix else None
        return Invocation(self, full_path, body, key)


class _WeaklyKnown:
    """``dataclass(weakref_slot=True)`` came with Python 3.11."""

    __slots__ = ("__weakref__",)


@dataclass(frozen=True, slots=True)
class Invocation(_WeaklyKnown, Generic[T]):
    """One use of an operation: the same path, bytes and idempotency key on every attempt. It lives as long as its call,
    and what counts calls knows it weakly."""

    operation: Operation[T]
    path: str
    body: bytes | None = field(repr=False)
    idempotency_key: str | None

    def mismatch(self, answer: T, headers: Mapping[str, str] | None = None) -> str | None:
        """Why an answer is not about this invocation; None where it is. Its status counts where its ``headers`` are
        Molam's, and not those of a merchant's mock."""
        operation = self.operation
        if operation.echo is NOTHING:
            return None
        why = operation.echo.mismatch(operation.path, self.path, self.body, answer, headers)
        if why is None and operation.echo.not_yet and is_molams(headers):
            why = operation.echo.given_to_an_earlier_call(answer)
            if why is None and operation.lookup is not None:
                why = operation.lookup.given_to_another_amount(answer, self.body)
        return why

    def names_another(self, document: object) -> str | None:
        """Why an object of Molam's that is not what the operation answers with is the answer to another request; None
        where it may be this one's."""
        if not isinstance(document, dict):
            return None
        return self.operation.echo.names_another(self.operation.path, self.path, document)

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent twice: reads always, everything else only under an idempotency key."""
        return self.idempotency_key is not None or self.operation.method == "GET"


def new_idempotency_key(prefix: str) -> str:
    """A fresh one: the prefix and 128 random bits, safe after fork."""
    return f"{prefix}-{os.urandom(16).hex()}"


def check_idempotency_key(key: str | None, prefix: str) -> str:
    """The key that was given, or a fresh one; ``RequestValidationError`` unless 1 to 255 printable ASCII."""
    if key is None:
        return new_idempotency_key(prefix)
    if not isinstance(key, str) or not 1 <= len(key) <= 255:
        raise RequestValidationError("idempotency_key must be a string of 1 to 255 characters")
    if not (key.isascii() and key.isprintable()) or key != key.strip():
        raise RequestValidationError("idempotency_key must be printable ASCII, without spaces around it")
    return key


def segment(name: str, value: object) -> str:
    """An id as one quoted path segment; an empty one, or one that would leave its place, is refused."""
    if not isinstance(value, str) or not value.strip():
        raise RequestValidationError(f"{name} must be a non-empty string, not {shown(value)}")
    if value in (".", ".."):
        raise RequestValidationError(f"{name} must be an id, not {value!r}")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise RequestValidationError(f"{name} holds a lone surrogate, which is no text") from None


def with_query(path: str, params: Mapping[str, object | None]) -> str:
    """The path with those parameters that are set."""
    given = {name: _parameter(name, value) for name, value in params.items() if value is not None}
    try:
        return f"{path}?{urlencode(given)}" if given else path
    except UnicodeEncodeError:
        raise RequestValidationError("a parameter holds a lone surrogate, which is no text") from None


def _parameter(name: object, value: object) -> object:
    """A parameter that has one text; a list, say, has many."""
    if not isinstance(name, str):
        raise RequestValidationError(f"the name of a parameter must be a string, not {type(name).__name__}")
    if not isinstance(value, str | int | float | Decimal):
        raise RequestValidationError(
            f"parameter {shown(name)} must be a string or a number, not {type(value).__name__}"
        )
    return str(value).lower() if isinstance(value, bool) else value
