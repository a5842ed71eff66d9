"""How ids and names of handlers stand in a table's columns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def hashed_id(name: str) -> str:
    """SHA-256 of an id: exact and of one length, whatever a database's collation takes for equal."""
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()


def fitted(text: str, longest: int = 255) -> str:
    """A text as every database takes it: without what no column can hold (a NUL, half a surrogate pair), and cut."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")[:longest]


def pack_names(finished: Sequence[str]) -> str:
    """Names of handlers as one text for a column."""
    return "\n".join(finished)


def unpack_names(text: str) -> tuple[str, ...]:
    """The names that ``pack_names`` put together."""
    return tuple(text.split("\n")) if text else ()
