"""Every path the sandbox serves: the API, the control paths, health, figures and the documentation."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from .app import Endpoint, Rooms
from .control import control_routes
from .ledger import Ledger
from .operations import OPERATIONS
from .problems import ApiError, write_error
from .recorder import new_id
from .webhooks import Webhooks

_CODES = {404: "not_found", 405: "method_not_allowed"}


def build(rooms: Rooms, ledger: Ledger, webhooks: Webhooks, cors_origins: Sequence[str]) -> Starlette:
    """The whole application of one running sandbox."""
    in_progress: dict[tuple[str, str], str] = {}
    api = [Route(o.path, Endpoint(o, rooms, in_progress), methods=[o.method]) for o in OPERATIONS]

    async def refuse(request: Request, error: Exception) -> Response:
        refusal, request_id = _refusal(error), new_id("req")
        wanted = request.headers.get("molam-error-format", rooms.error_format)
        body, media_type = write_error(refusal, request_id, wanted)
        return Response(body, refusal.status, {"X-Molam-Request-Id": request_id, **refusal.headers}, media_type)

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def ready(_: Request) -> Response:
        with rooms.store.transaction():
            return PlainTextResponse("ready")

    async def figures(_: Request) -> Response:
        return Response(rooms.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    own = [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", figures)]
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(cors_origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Molam-Error-Format"],
        expose_headers=["X-Molam-Request-Id", "Idempotent-Replayed", "Retry-After"],
    )
    return Starlette(
        routes=[*api, *own, *control_routes(rooms, ledger, webhooks)],
        middleware=[cors] if cors_origins else [],
        exception_handlers={HTTPException: refuse, Exception: refuse},
    )


def _refusal(error: Exception) -> ApiError:
    """The answer to what no operation answered: an unknown path, a wrong method, or a bug of the sandbox."""
    if not isinstance(error, HTTPException):
        return ApiError(500, "internal_error", "The sandbox failed; its log says why.")
    code = _CODES.get(error.status_code, "invalid_request")
    return ApiError(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))
