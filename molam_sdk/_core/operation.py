"""What an operation is: one endpoint of the API, with its ids, body and key filled in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from ..exceptions import RequestValidationError
from .wire import Reply

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[T]):
    """One row of the API. ``group`` names its bulkhead, ``key_prefix`` begins the keys made for it;
    ``absent_is_done``: a 404 after a lost answer means that it was done."""

    name: str
    group: str
    method: str
    path: str
    parse: Callable[[Reply], T] = field(repr=False)
    key_prefix: str = ""
    absent_is_done: bool = False

    def call(
        self,
        path: str | None = None,
        *,
        query: Mapping[str, object | None] | None = None,
        body: bytes | None = None,
        key: str | None = None,
    ) -> Operation[T]:
        """This endpoint, ready to send: under the given key, or a fresh one where a key is due."""
        full_path = with_query(self.path if path is None else path, query or {})
        return Operation(self, full_path, body, check_key(key, self.key_prefix) if self.key_prefix else None)


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """One call of an endpoint: the same path, bytes and key on every attempt."""

    endpoint: Endpoint[T]
    path: str
    body: bytes | None = field(repr=False)
    key: str | None

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent twice: reads always, everything else only under a key."""
        return self.key is not None or self.endpoint.method == "GET"


def new_key(prefix: str) -> str:
    """A fresh idempotency key: the prefix and 128 random bits, safe after fork."""
    return f"{prefix}-{os.urandom(16).hex()}"


def check_key(key: str | None, prefix: str) -> str:
    """The key that was given, or a fresh one; ``RequestValidationError`` unless 1 to 255 printable ASCII."""
    if key is None:
        return new_key(prefix)
    if not isinstance(key, str) or not 1 <= len(key) <= 255:
        raise RequestValidationError("idempotency_key must be a string of 1 to 255 characters")
    if not (key.isascii() and key.isprintable()) or key != key.strip():
        raise RequestValidationError("idempotency_key must be printable ASCII, without spaces around it")
    return key


def segment(name: str, value: object) -> str:
    """An id as one quoted path segment; an empty one, or one that would leave its place, is refused."""
    if not isinstance(value, str) or not value.strip():
        raise RequestValidationError(f"{name} must be a non-empty string, not {value!r}")
    if value in (".", ".."):
        raise RequestValidationError(f"{name} must be an id, not {value!r}")
    return quote(value, safe="")


def with_query(path: str, params: Mapping[str, object | None]) -> str:
    """The path with those parameters that are set."""
    given = {name: value for name, value in params.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path
