"""The routes of the API's operations, and of health and figures."""

from sqlalchemy.exc import DatabaseError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
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
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        components = {"store": _store_state(services), "deliveries": services.worker.state}
        good = all(state == "ok" for state in components.values())
        return JSONResponse(
            {"status": "ready" if good else "not ready", "components": components}, 200 if good else 503
        )

    async def figures(_: Request) -> Response:
        return Response(services.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", figures)]


def _store_state(services: ApiServices) -> str:
    try:
        with services.store.transaction() as tx:
            tx.next_job()
    except (RuntimeError, DatabaseError) as error:
        return str(error)
    return "ok"
