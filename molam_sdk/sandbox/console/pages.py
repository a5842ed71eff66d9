"""The page at `/` and its files: no inline script, no other origin, nothing from the network."""

from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@cache
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.suffix in _TYPES}


async def _file(request: Request) -> Response:
    name = request.path_params.get("name", "index.html")
    content = _files().get(name)
    if content is None:
        raise HTTPException(404)
    return Response(content, 200, _HEADERS, _TYPES[Path(name).suffix])


CONSOLE_ROUTES = (Route("/", _file), Route("/console/{name}", _file))
