"""The asyncio transport: our own sockets on the event loop at hand; the exchange is the blocking client's own."""

from __future__ import annotations

import asyncio
import os
import warnings

from ..._core.wire import NoReply, Reply, Request, Transport
from ..._frames import without_values
from ..._http.error import NoReplyError
from ...config import ClientConfig
from ...exceptions import MolamError
from ..defaults import default_adapter
from ..failures import interruption_in, no_reply, unforeseen
from ..origin import base_of, clock, origin_of
from ..proxies import ProxySettings
from ..recording import RecorderCheck
from ..tls import TlsSettings
from .route import Route


class AsyncioTransport:
    """Sends on one event loop; connections are opened on first use, and every wait ends at the call's deadline.

    Inside ``molam_sdk.testing.ordinary_transport()`` requests does the sending, in a thread per attempt.
    """

    @without_values
    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._ordinary = _ordinary_transport(config)
        self._tls = TlsSettings(config)
        self._proxies = ProxySettings(config)
        self._recorder = RecorderCheck()
        self._routes: dict[str, Route] = {}
        self._pid = os.getpid()

    async def send(self, request: Request) -> Reply | NoReply:
        """One attempt. Whatever goes wrong comes back as a value; only what is raised from outside passes: a
        cancellation, Ctrl-C."""
        if self._ordinary is not None:
            return await asyncio.to_thread(self._ordinary.send, request)
        try:
            route = self._route(request.url)
            return await route.send(
                request.method, request.url, request.headers.items(), request.body, request.deadline
            )
        except MolamError:
            raise
        except Exception as problem:  # noqa: BLE001 - the route translates its own; before it, nothing is sent
            interruption = interruption_in(problem)
            if interruption is None:
                return no_reply(problem if isinstance(problem, NoReplyError) else unforeseen(problem, sent=False))
        raise interruption

    async def sleep(self, seconds: float) -> None:
        """Wait before another attempt."""
        await asyncio.sleep(seconds)

    def clock(self) -> float:
        """The monotonic clock that deadlines are times of."""
        return clock()

    def discard_connections(self) -> None:
        """Close the connections that no call is using: one of them brought an answer that was another call's."""
        for route in tuple(self._routes.values()):
            route.pool.clear()

    async def close(self) -> None:
        """Close idle connections now, and those in use when their answers have come."""
        for route in self._routes.values():
            await route.close()
        if self._ordinary is not None:
            self._ordinary.close()

    def __del__(self) -> None:
        routes = getattr(self, "_routes", {}).values()  # none where __init__ raised
        if not any(route.pool.standing for route in routes) or self._pid != os.getpid():
            return
        for route in routes:
            route.pool.drop()
        warnings.warn(
            "a MolamAsyncClient was not closed: use `async with MolamAsyncClient(…)` or `await client.close()`",
            ResourceWarning,
            source=self,
            stacklevel=2,
        )

    def _route(self, url: str) -> Route:
        base = base_of(url)
        route = self._routes.get(base)
        if route is None:
            origin = origin_of(base, self._proxies.proxy_for(base))
            route = self._routes[base] = Route(self._config, self._tls, origin, self._recorder)
        return route


def _ordinary_transport(config: ClientConfig) -> Transport | None:
    adapter = default_adapter()
    if adapter is None:
        return None
    from ..blocking.transport import RequestsTransport

    return RequestsTransport(config, adapter)
