"""Which names a request may call the sandbox by: a web page must not reach it by a name of its own (DNS rebinding)."""

import ipaddress
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from ..contract.values import LOOPBACK_HOSTS
from ..domain.ids import new_id
from ..domain.refusal import RefusalError
from .exchange import write_refusal


class AllowedHosts:
    """An ASGI application that answers 403 unless the Host is this machine, or a name that was allowed.

    A browser can be led here by any name that its owner points to 127.0.0.1, but not by an address: where others
    may reach the sandbox (`by_address`), any address does, and a name must have been allowed.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str], by_address: bool) -> None:
        self._app, self._by_address = app, by_address
        self._names = frozenset(name.lower() for name in (*names, *LOOPBACK_HOSTS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        if self._allowed(_without_port(host).lower()):
            await self._app(scope, receive, send)
            return
        message = "This name is not the sandbox's; allow it with --allow-host, or use 127.0.0.1."
        refusal = RefusalError(403, "host_not_allowed", message)
        await write_refusal(refusal, new_id("req"), "standard")(scope, receive, send)

    def _allowed(self, name: str) -> bool:
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._by_address or address.is_loopback


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
