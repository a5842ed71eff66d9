"""Who may use the control paths, and how their requests are read and refused."""

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

ControlAction: TypeAlias = Callable[[Request, Any], Awaitable[Response]]
TOKEN_HEADER = "Molam-Sandbox-Token"  # noqa: S105 - the name of a header field
_LARGEST_BODY = 16 * 1_048_576
_LOOPBACK = ("127.0.0.1", "::1")


class ControlRefusedError(Exception):
    """Why a control request is not served: status and sentence."""


class Admission:
    """Lets in this machine alone; with a token whoever sends it, from anywhere, and nobody else."""

    def __init__(self, token: str | None = None) -> None:
        if token is not None and not (token.isascii() and token.isprintable() and len(token) >= 8):
            raise ValueError("control_token must be at least 8 printable ASCII characters")
        self._token = token

    def admit(self, request: Request) -> None:
        """Raise ControlRefusedError: a web page in the developer's browser must not reach in either."""
        peer = request.client.host if request.client else ""
        if self._token is not None:
            sent = request.headers.get(TOKEN_HEADER, "")
            if not hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), self._token.encode()):
                raise ControlRefusedError(401, f"Send the control token as {TOKEN_HEADER}.")
        elif peer not in _LOOPBACK:
            raise ControlRefusedError(403, "The control paths are for this machine alone; others need --control-token.")
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
            raise ControlRefusedError(403, "The control paths are not for other pages.")
        if request.method == "POST" and not request.headers.get("content-type", "").startswith("application/json"):
            raise ControlRefusedError(415, "Send application/json.")


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"code": "control_refused", "message": message}}, status)


async def _body(request: Request) -> dict[str, Any]:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= _LARGEST_BODY:
            chunks.append(chunk)
    if size > _LARGEST_BODY:
        raise ControlRefusedError(413, f"A body may have at most {_LARGEST_BODY} bytes.")
    try:
        body = json.loads(b"".join(chunks) or b"{}")
    except (ValueError, RecursionError):
        raise ControlRefusedError(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise ControlRefusedError(400, "The body must be a JSON object.")
    return body


def served(action: ControlAction, admission: Admission) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of an action: admitted, read, and its errors as answers."""

    async def endpoint(request: Request) -> Response:
        try:
            admission.admit(request)
            return await action(request, await _body(request) if request.method == "POST" else request.query_params)
        except ControlRefusedError as refused:
            return _error(*refused.args)
        except (ValueError, TypeError, OverflowError) as error:
            return _error(400, str(error))
        except KeyError as error:
            return _error(404, f"There is no {error}.")

    return endpoint
