"""The routes of the API's operations, and of health and figures."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..operations.table import OPERATIONS
from .app import OperationApp
from .services import ApiServices


class _ByMethod:
    """The operations of one path, so that a wrong method is told all the right ones."""

    def __init__(self) -> None:
        self.apps: dict[str, OperationApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.apps.get(scope["method"])
        if app is None:
            raise HTTPException(405, headers={"Allow": ", ".join(self.apps)})
        await app(scope, receive, send)


def api_routes(services: ApiServices) -> list[Route]:
    """One route per path, whatever the method."""
    paths: dict[str, _ByMethod] = {}
    for operation in OPERATIONS:
        app = OperationApp(operation, services)
        paths.setdefault(operation.path, _ByMethod()).apps[operation.method] = app
    return [Route(path, by_method) for path, by_method in paths.items()]


def health_routes(services: ApiServices) -> list[Route]:
    """Alive, ready, and what Prometheus scrapes."""

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def ready(_: Request) -> Response:
        with services.store.transaction():
            return PlainTextResponse("ready")

    async def figures(_: Request) -> Response:
        return Response(services.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", figures)]
