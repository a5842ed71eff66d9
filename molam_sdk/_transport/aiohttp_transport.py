"""The asyncio transport: aiohttp opens the connections, the exchange on them is the blocking client's own."""

from __future__ import annotations

import asyncio
import os
import time
import warnings
from typing import Final, NoReturn
from urllib.parse import urlsplit

from aiohttp.connector import Connection as OpenedConnection

from .._core.wire import Failure, NoReply, Reply, Request
from .._http.error import NoReplyError
from .._http.reader import AnswerReader
from .._http.request import request_bytes
from ..config import ClientConfig
from .aiohttp_door import Door
from .async_connection import AsyncConnection
from .async_pool import AsyncPool
from .connection import clock, origin_of, proxy_authorization, refuses_our_certificate
from .proxies import ProxySettings
from .tls import TlsSettings

# A transport is closing some turns of the event loop before its protocol is told why.
_TURNS_UNTIL_TOLD: Final = 10


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
        except NoReplyError as fault:
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
            await route.close()

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
        self._door = Door(config, tls, base, proxy)
        self.pool = AsyncPool(int(config.pool_size), config.pool_idle_seconds)
        self._fields: tuple[tuple[str, str], ...] = ()
        if self._origin.in_proxy_form and (authorization := proxy_authorization(urlsplit(proxy or ""))):
            self._fields = (("Proxy-Authorization", authorization),)

    async def send(self, request: Request) -> Reply:
        """One exchange. ``NoReplyError`` if there is no complete answer."""
        target = request.url if self._origin.in_proxy_form else request.url[len(self._base) :] or "/"
        fields = (*request.headers.items(), *self._fields)
        wire = request_bytes(request.method, target, self._origin.host_header, fields, request.body)
        reader = AnswerReader(self._config.max_body_bytes)
        await self._exchange(wire, reader, request.deadline)
        return Reply(reader.status, reader.headers, reader.body, time.time())

    async def close(self) -> None:
        """Close what is idle; what is in use ends with its call."""
        await self.pool.close()
        if not self.pool.standing and self.pool.turns.unused:
            await self._door.close()

    async def _exchange(self, wire: bytes, reader: AnswerReader, deadline: float) -> None:
        connection = self.pool.acquire() or await self._open(deadline)
        try:
            await connection.exchange(wire, reader, deadline, self._config.timeout_read)
        except NoReplyError as fault:
            self._give_up(connection, reader, fault)
        except BaseException:
            connection.close()
            raise
        if reader.reusable:
            self.pool.release(connection)
        else:
            connection.close()

    def _give_up(self, connection: AsyncConnection, reader: AnswerReader, fault: NoReplyError) -> NoReturn:
        connection.close()
        if connection.uses:
            self.pool.clear()  # what ended this kept-alive connection has probably ended the others
        if reader.head_seen:
            fault.status, fault.headers = reader.status, reader.headers
        raise fault

    async def _open(self, deadline: float) -> AsyncConnection:
        turn = await self.pool.turns.acquire(deadline - clock())
        if isinstance(turn, AsyncConnection):
            if turn.usable():
                return turn
            turn.close()
            return await self._open(deadline)
        if not turn:
            raise NoReplyError(Failure.CONNECT_TIMEOUT, "no connection in time: others were waiting for theirs")
        began = clock()
        try:
            return self.pool.acquire() or await self._open_now(deadline)
        except NoReplyError as fault:
            if fault.failure is Failure.CONNECT_TIMEOUT and clock() - began >= self._config.timeout_connect:
                self.pool.turns.refuse_waiting()  # they have waited as long, and would wait for the same
            raise
        finally:
            self.pool.turns.release()

    async def _open_now(self, deadline: float) -> AsyncConnection:
        opened = await self._door.open(deadline)
        if opened.transport is None or opened.transport.is_closing():
            raise await _closed_at_once(opened)
        connection = AsyncConnection(opened.transport, lambda: self._forget(connection, opened))
        self.pool.standing.add(connection)
        return connection

    def _forget(self, connection: AsyncConnection, opened: OpenedConnection) -> None:
        self.pool.standing.discard(connection)
        opened.close()


async def _closed_at_once(opened: OpenedConnection) -> NoReplyError:
    """Why a connection was closed before it carried anything: TLS 1.3 tells of a missing client certificate so late."""
    failed: BaseException | None = None
    for _ in range(_TURNS_UNTIL_TOLD):
        failed = opened.protocol.exception() if opened.protocol is not None else None
        if failed is not None:
            break
        await asyncio.sleep(0)
    opened.close()
    if isinstance(failed, OSError) and refuses_our_certificate(failed):
        fault = NoReplyError(Failure.CERTIFICATE, f"the server does not take our certificate: {failed}")
    else:
        fault = NoReplyError(Failure.CONNECT, "the server closed the connection before the request was sent")
    fault.__cause__ = failed
    return fault
