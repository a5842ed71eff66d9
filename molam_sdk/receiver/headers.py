"""A delivery's headers as frameworks give them: mappings, pairs, text or bytes, in any case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from ..webhooks.json_body import read_leniently

RawHeaders: TypeAlias = (
    Mapping[str, str] | Mapping[str, list[str]] | Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]
)


class DeliveryHeaders:
    """Every value of every header, by its name in lower case."""

    __slots__ = ("_values",)

    def __init__(self, headers: RawHeaders) -> None:
        # Kept apart, not joined: a pair of signatures may come on two lines, each with its own time.
        self._values: dict[str, list[str]] = {}
        pairs: Any = headers.items() if isinstance(headers, Mapping) else headers
        for name, value in pairs:
            values: list[Any] = value if isinstance(value, list) else [value]
            self._values.setdefault(_text(name).lower(), []).extend(map(_text, values))

    def all(self, name: str) -> list[str]:
        """The values of a header, one per line that it came on."""
        return self._values.get(name, [])

    def first(self, name: str) -> str | None:
        """The first value of a header."""
        values = self._values.get(name)
        return values[0] if values else None

    @property
    def content_length(self) -> int:
        """How many bytes the body had on the wire; -1 where the request does not say."""
        length = self.first("content-length") or ""
        return int(length) if length.isascii() and length.isdigit() and len(length) < 16 else -1

    def why_not_raw(self, body: object) -> str | None:
        """What is wrong if this cannot be the body as it was sent; None if it can be.

        The two lengths are equal in any request that reaches a server whole: something in between has read, decoded
        or rewritten a body whose length differs.
        """
        if not isinstance(body, bytes | str | bytearray | memoryview):
            return f"The receiver was given a {type(body).__name__}: it wants the raw body, before anything parsed it."
        held = len(body.encode(errors="replace")) if isinstance(body, str) else memoryview(body).nbytes
        sent = self.content_length
        if sent < 0 or sent == held:
            return None
        return (
            f"The body has {held} bytes here, but {sent} were sent: a middleware, or code before this view, has read "
            "or changed it. Let the webhook's path reach the receiver untouched."
        )

    def broke_off(self, body: bytes) -> bool:
        """Whether the body is the beginning of what was sent: its sender hung up. What was rewritten is whole JSON."""
        if not isinstance(body, bytes) or not 0 < len(body) < self.content_length:
            return False
        try:
            read_leniently(body)
        except ValueError:
            return True
        return False


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
