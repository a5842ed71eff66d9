"""The whole application of one running sandbox: the API, health, figures, documentation and the control paths."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from .control.actions import Control
from .control.routes import control_routes
from .domain.ids import new_id
from .domain.refusal import RefusalError
from .http.documentation import DOCUMENTATION_ROUTES
from .http.exchange import write_refusal
from .http.routes import api_routes, health_routes
from .http.services import ApiServices

_CODES = {404: "not_found", 405: "method_not_allowed"}


def build(services: ApiServices, control: Control, cors_origins: Sequence[str]) -> Starlette:
    """Every path, behind CORS where origins are given."""
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(cors_origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Molam-Error-Format"],
        expose_headers=["X-Molam-Request-Id", "Idempotent-Replayed", "Retry-After"],
    )
    return Starlette(
        routes=[
            *api_routes(services),
            *health_routes(services),
            *DOCUMENTATION_ROUTES,
            *control_routes(control),
        ],
        middleware=[cors] if cors_origins else [],
        exception_handlers={HTTPException: _refuser(services.error_format)},
    )


def _refuser(error_format: str) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Answers what no operation answered: an unknown path, a wrong method."""

    async def refuse(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        code = _CODES.get(error.status_code, "invalid_request")
        refusal = RefusalError(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))
        return write_refusal(refusal, new_id("req"), request.headers.get("molam-error-format", error_format))

    return refuse
