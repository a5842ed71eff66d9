"""Where the asyncio client's connections come from: aiohttp's connector, with our names, trust and proxies."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection as OpenedConnection
from multidict import CIMultiDict
from yarl import URL

from .._core.wire import Failure
from .._http.error import NoReplyError
from ..config import ClientConfig
from .connection import clock, proxy_authorization
from .dns import AddressInfo, resolve
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


_STEPS: Final = 10


class Door:
    """Opens connections to one origin, through the proxy if there is one; nothing of a request is sent."""

    def __init__(self, config: ClientConfig, tls: TlsSettings, base: str, proxy: str | None) -> None:
        self._connect_timeout = config.timeout_connect
        self._tls = tls
        self._base = base
        self._proxy = proxy
        self._connector: aiohttp.TCPConnector | None = None

    async def open(self, deadline: float) -> OpenedConnection:
        """A fresh connection. ``timeout_connect`` bounds names, TCP and TLS together; so does ``deadline``."""
        left = deadline - clock()
        if left <= 0:
            raise NoReplyError(Failure.CONNECT_TIMEOUT, "the deadline passed while connecting")
        if self._connector is None:
            self._connector = aiohttp.TCPConnector(limit=0, resolver=_Resolver(self._connect_timeout))
        opening = asyncio.ensure_future(
            self._connector.connect(self._request(), traces=[], timeout=aiohttp.ClientTimeout(total=None))
        )
        in_time = False
        try:
            in_time = await self._in_time(opening, deadline)
        finally:
            if not in_time:  # late, or cancelled
                opening.cancel()
                await asyncio.wait({opening})
                _discard(opening)
        if not in_time:
            raise NoReplyError(Failure.CONNECT_TIMEOUT, f"no connection to {self._base} in time")
        try:
            return opening.result()
        except NoReplyError:
            raise
        except Exception as problem:
            raise NoReplyError(_failure_of(problem), f"no connection to {self._base}: {_reason(problem)}") from problem

    async def _in_time(self, opening: asyncio.Future[OpenedConnection], deadline: float) -> bool:
        """Wait in steps: a step that a busy event loop stretches counts once, since that is no fault of the network."""
        for _ in range(_STEPS):
            step = min(self._connect_timeout / _STEPS, deadline - clock())
            if step <= 0:
                return False
            done, _pending = await asyncio.wait({opening}, timeout=step)
            if done:
                return True
        return False

    async def close(self) -> None:
        """Give up name lookups that outlive the calls they were for."""
        if self._connector is not None:
            await self._connector.close()

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
    found: list[AddressInfo] | NoReplyError
    try:
        found = resolve(host, port, timeout)
    except NoReplyError as fault:
        found = fault
    with contextlib.suppress(RuntimeError):  # the event loop has ended meanwhile, and nobody waits any more
        loop.call_soon_threadsafe(_deliver, answer, found)


def _deliver(answer: asyncio.Future[list[AddressInfo]], found: list[AddressInfo] | NoReplyError) -> None:
    if answer.done():
        return
    if isinstance(found, NoReplyError):
        answer.set_exception(found)
    else:
        answer.set_result(found)


def _as_result(host: str, address: AddressInfo) -> ResolveResult:
    family, _kind, protocol, _name, where = address
    return ResolveResult(hostname=host, host=where[0], port=where[1], family=family, proto=protocol, flags=0)


def _discard(opening: asyncio.Future[OpenedConnection]) -> None:
    """A connection that came too late, or the reason why it did not come."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _failure_of(problem: BaseException) -> Failure:
    for kind, failure in _TRANSLATION:
        if isinstance(problem, kind):
            return failure
    return Failure.CONNECT


def _reason(problem: BaseException) -> str:
    return "not in time" if isinstance(problem, asyncio.TimeoutError) else str(problem) or type(problem).__name__
