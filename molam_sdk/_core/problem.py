"""Every error body that Molam and what stands before it send, read into one shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from .wire import Reply

_LONGEST_MESSAGE: Final = 500
_LONGEST_CODE: Final = 100


class Shape(Enum):
    """The shapes of Molam's error bodies. Others use all but the first, too: see ``evidence``."""

    NESTED = '{"error": {"code": "…"}}'
    FLAT = '{"error": "…"}'
    ERROR_CODE = '{"error_code": "…"}'
    DETAILS = "RFC 9457 problem details"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error body. ``shape``: which of Molam's it has; None for a page, or a stranger's JSON."""

    message: str
    code: str | None = None
    param: str | None = None
    request_id: str | None = None
    body: Mapping[str, Any] | str | None = None
    shape: Shape | None = None


def read_problem(body: bytes, reason: str = "") -> Problem:
    """Read an error body; never raises, whatever the bytes are.

    Shapes: ``{"error": {code, message, …}}``, ``{"error": "code", "message"|"detail"}``,
    ``{"error_code", "message", …}``, RFC 9457 problem details, and everything else as text.
    """
    document = _parse_object(body)
    if document is None:
        text = body[: _LONGEST_MESSAGE * 4].decode("utf-8", "replace")
        return Problem(_shorten(reason or "no readable error body"), body=text)
    for read in (_nested, _flat, _error_code, _problem_details):
        problem = read(document)
        if problem is not None:
            return problem
    return Problem(_shorten(_text(document, "message", "detail") or reason or "unknown error"), body=document)


def tells_of_error(document: object) -> bool:
    """Whether a JSON object is an error, in whatever shape, and not an object of its own that tells of one."""
    if not isinstance(document, dict) or "id" in document:
        return False
    error = document.get("error")
    return (bool(error) and isinstance(error, dict | str)) or _text(document, "error_code") is not None


def _nested(document: Mapping[str, Any]) -> Problem | None:
    error = document.get("error")
    if not isinstance(error, dict):
        return None
    shape = Shape.NESTED if _text(error, "code") else None  # Oathkeeper and Google nest errors too, coded in numbers
    return _problem(
        shape, document, code=_text(error, "code", "type"), message=_text(error, "message", "detail"), source=error
    )


def _flat(document: Mapping[str, Any]) -> Problem | None:
    error = document.get("error")
    if not isinstance(error, str):
        return None
    return _problem(Shape.FLAT, document, code=error, message=_text(document, "message", "detail", "error_description"))


def _error_code(document: Mapping[str, Any]) -> Problem | None:
    code = _text(document, "error_code")
    if code is None:
        return None
    return _problem(Shape.ERROR_CODE, document, code=code, message=_text(document, "message"))


def _problem_details(document: Mapping[str, Any]) -> Problem | None:
    """RFC 9457: ``title`` and ``type`` name the kind of problem, ``detail`` this occurrence."""
    title = _text(document, "title")
    if title is None:
        return None
    kind = (_text(document, "type") or "").rstrip("/").rpartition("/")[2].replace("-", "_")
    code = _text(document, "code") or (kind if kind not in ("", "about:blank") else None)
    return _problem(Shape.DETAILS, document, code=code, message=_text(document, "detail") or title)


def _problem(
    shape: Shape | None,
    document: Mapping[str, Any],
    *,
    code: str | None,
    message: str | None,
    source: Mapping[str, Any] | None = None,
) -> Problem:
    return Problem(
        message=_shorten(message or code or "unknown error"),
        code=code and printable_line(code, _LONGEST_CODE),
        param=_shorten(_text(source if source is not None else document, "param") or "") or None,
        request_id=_shorten(_text(document, "request_id") or "") or None,
        body=document,
        shape=shape,
    )


def _parse_object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _text(document: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        value = document.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def printable_line(text: str, longest: int) -> str:
    """One printable line of at most ``longest`` characters: what a server says goes into logs and terminals."""
    if text.isprintable() and " " not in text and len(text) <= longest:  # a request id, as every answer has one
        return text
    line = " ".join(text[: longest * 2].split())
    printable = "".join(c if c.isprintable() else "?" for c in line)
    return printable if len(printable) <= longest else printable[: longest - 1] + "…"


def _shorten(text: str) -> str:
    return printable_line(text, _LONGEST_MESSAGE)


def without_api_key(reply: Reply, problem: Problem | None, headers: Mapping[str, str]) -> tuple[Reply, Problem | None]:
    """An answer, and what it says, without the API key that it was sent: some gateways repeat a request."""
    key = headers.get("Authorization", "").removeprefix("Bearer ").encode("utf-8", "replace")
    if not key or key not in reply.body:
        return reply, problem
    clean = replace(reply, body=reply.body.replace(key, b"***"))
    return clean, problem and read_problem(clean.body)
