"""The asyncio transport: aiohttp opens the connections, the exchange on them is the blocking client's own."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import threading
import time
import warnings
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection as OpenedConnection
from multidict import CIMultiDict
from yarl import URL

from .._core.wire import Failure, NoReply, Reply, Request
from ..config import ClientConfig
from .async_connection import AsyncConnection
from .async_pool import AsyncPool
from .connection import clock, origin_of, proxy_authorization
from .dns import AddressInfo, resolve
from .fault import Fault
from .http1 import AnswerReader, request_bytes
from .proxies import ProxySettings
from .tls import TlsSettings

# Why no connection came about, the first match counts. Nothing of the request has been sent in any of these.
_TRANSLATION: Final[tuple[tuple[type[BaseException], Failure], ...]] = (
    (aiohttp.ClientProxyConnectionError, Failure.PROXY),
    (aiohttp.ClientHttpProxyError, Failure.PROXY),
    (aiohttp.ClientConnectorCertificateError, Failure.CERTIFICATE),
    (aiohttp.ClientConnectorSSLError, Failure.TLS),
    (aiohttp.ClientConnectorDNSError, Failure.DNS),
    (aiohttp.InvalidURL, Failure.DNS),
    (asyncio.TimeoutError, Failure.CONNECT_TIMEOUT),
)


class AiohttpTransport:
    """Sends on one event loop; connections are opened on first use, and every wait ends at the call's deadline.

    aiohttp's own session would cost more than the rest of the call together, would read answers that the
    blocking client refuses, and sends a GET again by itself: only its connector is used.
    """

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._tls = TlsSettings(config)
        self._proxies = ProxySettings(config.proxy)
        self._routes: dict[str, _Route] = {}
        self._pid = os.getpid()

    async def send(self, request: Request) -> Reply | NoReply:
        """One attempt. Whatever goes wrong comes back as a value; only a cancellation and its like pass."""
        try:
            return await self._route(request.url).send(request)
        except Fault as fault:
            return fault.no_reply()
        except Exception as problem:  # noqa: BLE001 - whatever a library raises, the call must keep its key
            return NoReply(Failure.RESET, f"{type(problem).__name__}: {problem}", problem)

    async def sleep(self, seconds: float) -> None:
        """Wait before another attempt."""
        await asyncio.sleep(seconds)

    def clock(self) -> float:
        """The monotonic clock that deadlines are times of."""
        return clock()

    async def close(self) -> None:
        """Close idle connections now, and those in use when their answers have come."""
        for route in self._routes.values():
            await route.pool.close()

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

    def _route(self, url: str) -> _Route:
        base = url[: url.find("/", len("https://"))]
        route = self._routes.get(base)
        if route is None:
            route = self._routes[base] = _Route(self._config, self._tls, base, self._proxies.proxy_for(base))
        return route


class _Route:
    """The way to one origin, and its connections."""

    def __init__(self, config: ClientConfig, tls: TlsSettings, base: str, proxy: str | None) -> None:
        self._config = config
        self._base = base
        self._origin = origin_of(base, proxy)
        self._door = _Door(config, tls, base, proxy)
        self.pool = AsyncPool(int(config.pool_size), config.pool_idle_seconds)
        self._fields: tuple[tuple[str, str], ...] = ()
        if self._origin.in_proxy_form and (authorization := proxy_authorization(urlsplit(proxy or ""))):
            self._fields = (("Proxy-Authorization", authorization),)

    async def send(self, request: Request) -> Reply:
        """One exchange. ``Fault`` if there is no complete answer."""
        target = request.url if self._origin.in_proxy_form else request.url[len(self._base) :] or "/"
        fields = (*request.headers.items(), *self._fields)
        wire = request_bytes(request.method, target, self._origin.host_header, fields, request.body)
        reader = AnswerReader(self._config.max_body_bytes)
        await self._exchange(wire, reader, request.deadline)
        return Reply(reader.status, reader.headers, reader.body, time.time())

    async def _exchange(self, wire: bytes, reader: AnswerReader, deadline: float) -> None:
        connection = self.pool.acquire() or await self._open(deadline)
        try:
            await connection.exchange(wire, reader, deadline, self._config.timeout_read)
        except Fault as fault:
            self._give_up(connection, reader, fault)
        except BaseException:
            connection.close()
            raise
        if reader.reusable:
            self.pool.release(connection)
        else:
            connection.close()

    def _give_up(self, connection: AsyncConnection, reader: AnswerReader, fault: Fault) -> NoReturn:
        connection.close()
        if connection.uses:
            self.pool.clear()  # what ended this kept-alive connection has probably ended the others
        if reader.head_seen:
            fault.status, fault.headers = reader.status, reader.headers
        raise fault

    async def _open(self, deadline: float) -> AsyncConnection:
        opened = await self._door.open(deadline)
        if opened.transport is None or opened.transport.is_closing():
            opened.close()
            raise Fault(Failure.CONNECT, "the server closed the connection before the request was sent")
        connection = AsyncConnection(opened.transport, lambda: self._forget(connection, opened))
        self.pool.standing.add(connection)
        return connection

    def _forget(self, connection: AsyncConnection, opened: OpenedConnection) -> None:
        self.pool.standing.discard(connection)
        opened.close()


class _Door:
    """Opens connections to one origin, through the proxy if there is one; nothing of a request is sent."""

    def __init__(self, config: ClientConfig, tls: TlsSettings, base: str, proxy: str | None) -> None:
        self._connect_timeout = config.timeout_connect
        self._tls = tls
        self._base = base
        self._proxy = proxy
        self._connector: aiohttp.TCPConnector | None = None

    async def open(self, deadline: float) -> OpenedConnection:
        """A fresh connection. ``timeout_connect`` bounds name resolution, and TCP with TLS; ``deadline`` all."""
        left = deadline - clock()
        if left <= 0:
            raise Fault(Failure.CONNECT_TIMEOUT, "the deadline passed while connecting")
        if self._connector is None:
            self._connector = aiohttp.TCPConnector(limit=0, resolver=_Resolver(self._connect_timeout))
        timeout = aiohttp.ClientTimeout(
            connect=left, sock_connect=min(self._connect_timeout, left), ceil_threshold=math.inf
        )
        try:
            return await self._connector.connect(self._request(), traces=[], timeout=timeout)
        except Fault:
            raise
        except Exception as problem:
            raise Fault(_failure_of(problem), f"no connection to {self._base}: {_reason(problem)}") from problem

    def _request(self) -> aiohttp.ClientRequest:
        """What the connector wants to know: where to, how encrypted, through which proxy."""
        options: dict[str, Any] = {"ssl": self._tls.context()} if self._base.startswith("https") else {}
        if self._proxy is not None:
            parts = urlsplit(self._proxy)
            authorization = proxy_authorization(parts)
            options["proxy"] = URL(self._proxy).with_user(None)
            options["proxy_headers"] = CIMultiDict({"Proxy-Authorization": authorization} if authorization else {})
        return aiohttp.ClientRequest("GET", URL(self._base), loop=asyncio.get_running_loop(), **options)


class _Resolver(AbstractResolver):
    """Looks names up as the blocking client does: in a daemon thread, so that a hung resolver blocks no exit."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        """The addresses of a host."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[AddressInfo]] = loop.create_future()
        threading.Thread(
            target=_look_up, args=(loop, answer, host, port, self._timeout), name=f"molam-dns-{host}", daemon=True
        ).start()
        return [_as_result(host, address) for address in await answer]

    async def close(self) -> None:
        """Nothing to close."""


def _look_up(
    loop: asyncio.AbstractEventLoop, answer: asyncio.Future[list[AddressInfo]], host: str, port: int, timeout: float
) -> None:
    found: list[AddressInfo] | Fault
    try:
        found = resolve(host, port, timeout)
    except Fault as fault:
        found = fault
    with contextlib.suppress(RuntimeError):  # the event loop has ended meanwhile, and nobody waits any more
        loop.call_soon_threadsafe(_deliver, answer, found)


def _deliver(answer: asyncio.Future[list[AddressInfo]], found: list[AddressInfo] | Fault) -> None:
    if answer.done():
        return
    if isinstance(found, Fault):
        answer.set_exception(found)
    else:
        answer.set_result(found)


def _as_result(host: str, address: AddressInfo) -> ResolveResult:
    family, _kind, protocol, _name, where = address
    return ResolveResult(hostname=host, host=where[0], port=where[1], family=family, proto=protocol, flags=0)


def _failure_of(problem: BaseException) -> Failure:
    for kind, failure in _TRANSLATION:
        if isinstance(problem, kind):
            return failure
    return Failure.CONNECT


def _reason(problem: BaseException) -> str:
    return "not in time" if isinstance(problem, asyncio.TimeoutError) else str(problem) or type(problem).__name__
