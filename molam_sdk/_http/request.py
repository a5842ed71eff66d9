"""A request as bytes (RFC 9112 §3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from .._core.wire import Failure
from .error import NoReplyError
from .head import TCHARS, TEXT

# Where a request ends and for whom it is are decided here; nobody else's header field may contradict it.
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding"})
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_HEAD: Final = re.compile(rf"{TCHARS} [!-~]+ HTTP/1\.1\r\nHost: [!-~]+(?:\r\n{TCHARS}: {TEXT}*)*")


def request_bytes(method: str, target: str, host: str, headers: Iterable[tuple[str, str]], body: bytes | None) -> bytes:
    """A whole request as one piece, so that it leaves in one segment where it fits.

    Fields that say where a request ends or for whom it is are left out of ``headers``: they are set here.
    ``NoReplyError`` if anything could break out of its line, or is not Latin-1: nothing has been sent then.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in _OURS]
    if body is not None or method in _WITH_BODY:
        lines.append(f"Content-Length: {len(body or b'')}")
    head = "\r\n".join(lines)
    # As many line breaks as were put in, and every line what it should be: none came with a name or a value.
    if head.count("\n") != len(lines) - 1 or _HEAD.fullmatch(head) is None:
        raise NoReplyError(Failure.NOT_SENDABLE, "the request's line or a header holds a character that it must not")
    try:
        return f"{head}\r\n\r\n".encode("latin-1") + (body or b"")
    except UnicodeEncodeError:
        raise NoReplyError(Failure.NOT_SENDABLE, "a header holds a character outside Latin-1") from None
