"""A request as bytes (RFC 9112 §3)."""

from __future__ import annotations

from collections.abc import Iterable

from .._core.wire import Failure
from .error import NoReplyError


def request_bytes(method: str, target: str, host: str, headers: Iterable[tuple[str, str]], body: bytes | None) -> bytes:
    """A whole request as one piece, so that it leaves in one segment where it fits.

    ``NoReplyError`` if a header could break out of its line: nothing has been sent then.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None or method == "POST":
        lines.append(f"Content-Length: {len(body or b'')}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head:
        raise NoReplyError(Failure.NOT_SENDABLE, "a header holds a line break or a null byte")
    try:
        return f"{head}\r\n\r\n".encode("latin-1") + (body or b"")
    except UnicodeEncodeError:
        raise NoReplyError(Failure.NOT_SENDABLE, "a header holds a character outside Latin-1") from None
