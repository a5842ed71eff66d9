"""Who may use the control paths, and how their requests are read and refused."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..contract.values import LOOPBACK_HOSTS

ControlAction: TypeAlias = Callable[[Request, Any], Awaitable[Response]]


class ControlRefusedError(Exception):
    """Why a control request is not served: status and sentence."""


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"code": "control_refused", "message": message}}, status)


def _admit(request: Request) -> None:
    """A web page in the developer's browser must not reach in: no foreign Host, no form post, no other machine."""
    host = request.url.hostname or ""
    peer = request.client.host if request.client else ""
    if host not in LOOPBACK_HOSTS or peer not in ("127.0.0.1", "::1"):
        raise ControlRefusedError(403, "The control paths are for this machine alone.")
    if request.method == "POST" and not request.headers.get("content-type", "").startswith("application/json"):
        raise ControlRefusedError(415, "Send application/json.")


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        raise ControlRefusedError(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise ControlRefusedError(400, "The body must be a JSON object.")
    return body


def served(action: ControlAction) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            _admit(request)
            return await action(request, await _body(request) if request.method == "POST" else request.query_params)
        except ControlRefusedError as refused:
            return _error(*refused.args)
        except (ValueError, TypeError, OverflowError) as error:
            return _error(400, str(error))
        except KeyError as error:
            return _error(404, f"There is no {error}.")

    return endpoint
