"""The whole application of one running sandbox: the API, health, figures, documentation and the control paths."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from .console.pages import CONSOLE_ROUTES
from .control.admission import Admission
from .control.routes import control_routes
from .control.services import ControlServices
from .domain.ids import new_id
from .domain.refusal import RefusalError
from .http.documentation import DOCUMENTATION_ROUTES
from .http.exchange import write_refusal
from .http.hosts import AllowedHosts
from .http.routes import api_routes, health_routes
from .http.services import ApiServices

_CODES = {404: "not_found", 405: "method_not_allowed"}


@dataclass(frozen=True, slots=True)
class Reachable:
    """Who may reach the sandbox: origins of web pages (for the API alone), names, and whether by any address."""

    cors_origins: Sequence[str] = ()
    hosts: Sequence[str] = ()
    by_address: bool = False


def build(services: ApiServices, control: ControlServices, admission: Admission, reachable: Reachable) -> ASGIApp:
    """Every path: the API behind CORS where origins are given, and all of it by its own names alone."""
    app: ASGIApp = Starlette(
        routes=[
            *api_routes(services),
            *health_routes(services),
            *DOCUMENTATION_ROUTES,
            *control_routes(control, admission),
            *CONSOLE_ROUTES,
        ],
        exception_handlers={HTTPException: _refuser(services.error_format)},
    )
    if reachable.cors_origins:
        app = _cors_for_the_api(app, reachable.cors_origins)
    return AllowedHosts(app, reachable.hosts, reachable.by_address)


def _cors_for_the_api(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Web pages may call the API if they are allowed to; never the control paths."""
    with_cors = CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Molam-Error-Format", "Molam-Sandbox-Scope"],
        expose_headers=["X-Molam-Request-Id", "Idempotent-Replayed", "Retry-After"],
    )

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        await (with_cors if scope["path"].startswith("/v1/") else app)(scope, receive, send)

    return choose


def _refuser(error_format: str) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Answers what no operation answered: an unknown path, a wrong method."""

    async def refuse(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        code = _CODES.get(error.status_code, "invalid_request")
        refusal = RefusalError(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))
        return write_refusal(refusal, new_id("req"), request.headers.get("molam-error-format", error_format))

    return refuse
