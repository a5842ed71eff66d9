"""The OpenAPI document and the interactive documentation, whose assets the sandbox serves itself."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ..contract.openapi import document
from ..operations.table import OPERATIONS

_ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Molam sandbox</title>
<link rel="icon" href="/docs/favicon-32x32.png"><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script>
SwaggerUIBundle({url: "/openapi.json", dom_id: "#ui", persistAuthorization: true,
  requestInterceptor: (request) => {
    if (request.method === "POST" && !request.headers["Idempotency-Key"])
      request.headers["Idempotency-Key"] = crypto.randomUUID();
    return request;
  }});
</script></body></html>
"""


def _folder() -> Path | None:
    """Where swagger-ui-py keeps Swagger UI; found without importing it, since it would load a template engine."""
    spec = find_spec("swagger_ui")
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) / "static" if places else None


async def _page(_: Request) -> Response:
    return HTMLResponse(_PAGE)


async def _asset(request: Request) -> Response:
    folder, name = _folder(), request.path_params["name"]
    if folder is None or name not in _ASSETS:
        raise HTTPException(404)
    return FileResponse(folder / name)


@cache
def _document() -> dict[str, Any]:
    return document(OPERATIONS)


async def _openapi(_: Request) -> Response:
    return JSONResponse(_document())


DOCUMENTATION_ROUTES = (
    Route("/openapi.json", _openapi),
    Route("/docs", _page),
    Route("/docs/{name}", _asset),
)
