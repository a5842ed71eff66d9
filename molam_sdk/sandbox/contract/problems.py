"""How a refusal is written on the wire: in any of Molam's documented error shapes."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from ..domain.refusal import RefusalError

_TYPES = {
    401: "authentication_error",
    402: "card_error",
    403: "permission_error",
    404: "not_found",
    409: "conflict",
    429: "rate_limit_error",
}
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def _type(error: RefusalError) -> str:
    return _TYPES.get(error.status, "api_error" if error.status >= 500 else "invalid_request_error")


def _with_param(body: dict[str, Any], error: RefusalError) -> dict[str, Any]:
    return {**body, "param": error.param} if error.param else body


def _standard(error: RefusalError, request_id: str) -> dict[str, Any]:
    return {"error": _with_param({"code": error.code, "message": error.message, "type": _type(error)}, error)}


def _flat(error: RefusalError, request_id: str) -> dict[str, Any]:
    return {"error": error.code, "message": error.message}


def _detail(error: RefusalError, request_id: str) -> dict[str, Any]:
    return {"error": error.code, "detail": error.message}


def _legacy(error: RefusalError, request_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {"error_code": error.code, "message": error.message, "request_id": request_id}
    return {**body, "details": {"param": error.param}} if error.param else body


def _problem(error: RefusalError, request_id: str) -> dict[str, Any]:
    body = {
        "type": f"https://docs.molam.io/problems/{error.code}",
        "title": phrase(error.status),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "request_id": request_id,
    }
    return _with_param(body, error)


def phrase(status: int) -> str:
    """The reason phrase; empty for a status that has none."""
    return _PHRASES.get(status, "")


_Shape = Callable[[RefusalError, str], dict[str, Any]]
JSON = "application/json"
ERROR_FORMATS: dict[str, tuple[_Shape, str]] = {
    "standard": (_standard, JSON),
    "flat": (_flat, JSON),
    "detail": (_detail, JSON),
    "legacy": (_legacy, JSON),
    "problem": (_problem, "application/problem+json"),
}


def write_error(error: RefusalError, request_id: str, error_format: str) -> tuple[bytes, str]:
    """The body and its media type; an unknown format is written as the standard one."""
    shape, media_type = ERROR_FORMATS.get(error_format, ERROR_FORMATS["standard"])
    return json.dumps(shape(error, request_id)).encode(), media_type
