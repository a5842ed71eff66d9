"""Every path the sandbox serves: the API, the control paths, health, figures and the documentation."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .app import Endpoint, Parts
from .control import control_routes
from .documents import DOCUMENT_ROUTES
from .ledger import Ledger
from .operations import OPERATIONS
from .problems import ApiError, write_error
from .recorder import new_id
from .webhooks import Webhooks

_CODES = {404: "not_found", 405: "method_not_allowed"}


def build(parts: Parts, ledger: Ledger, webhooks: Webhooks, cors_origins: Sequence[str]) -> Starlette:
    """The whole application of one running sandbox."""

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def ready(_: Request) -> Response:
        with parts.store.transaction():
            return PlainTextResponse("ready")

    async def figures(_: Request) -> Response:
        return Response(parts.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    own = [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", figures)]
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(cors_origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Molam-Error-Format"],
        expose_headers=["X-Molam-Request-Id", "Idempotent-Replayed", "Retry-After"],
    )
    return Starlette(
        routes=[*_api(parts), *own, *DOCUMENT_ROUTES, *control_routes(parts, ledger, webhooks)],
        middleware=[cors] if cors_origins else [],
        exception_handlers={HTTPException: _refuser(parts.error_format)},
    )


def _refuser(error_format: str) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Answers what no operation answered: an unknown path, a wrong method."""

    async def refuse(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        code, request_id = _CODES.get(error.status_code, "invalid_request"), new_id("req")
        refusal = ApiError(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))
        wanted = request.headers.get("molam-error-format", error_format)
        body, media_type = write_error(refusal, request_id, wanted)
        return Response(body, refusal.status, {"X-Molam-Request-Id": request_id, **refusal.headers}, media_type)

    return refuse


class _ByMethod:
    """The operations of one path, so that a wrong method is told all the right ones."""

    def __init__(self) -> None:
        self.endpoints: dict[str, Endpoint] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self.endpoints.get(scope["method"])
        if endpoint is None:
            raise HTTPException(405, headers={"Allow": ", ".join(self.endpoints)})
        await endpoint(scope, receive, send)


def _api(parts: Parts) -> list[Route]:
    in_progress: dict[tuple[str, str], str] = {}
    paths: dict[str, _ByMethod] = {}
    for operation in OPERATIONS:
        endpoint = Endpoint(operation, parts, in_progress)
        paths.setdefault(operation.path, _ByMethod()).endpoints[operation.method] = endpoint
    return [Route(path, by_method) for path, by_method in paths.items()]
