"""The lower half of requests, replaced: its Session and HTTPAdapter.send stay, the sockets are ours.

``HTTPAdapter.send`` itself is inherited, because that is what ``responses`` patches; it asks this class for a
"connection pool", calls ``urlopen`` on it and hands what comes to ``build_response``.
"""

from __future__ import annotations

import time
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from urllib3.util import Timeout

from .._core.wire import Reply
from .._http.error import NoReplyError
from .._http.reader import AnswerReader
from .._http.request import request_bytes
from ..config import ClientConfig
from .connection import Connection, open_connection, origin_of, proxy_authorization
from .pool import Pool
from .proxies import ProxySettings
from .tls import TlsSettings


class Deadline(Timeout):
    """A call's deadline, as something that ``HTTPAdapter.send`` passes on untouched. A time of the monotonic clock."""

    def __init__(self, at: float) -> None:
        self.at = at


class Route:
    """The way to one origin: its idle connections, and ``urlopen`` as ``HTTPAdapter.send`` calls it."""

    def __init__(self, config: ClientConfig, tls: TlsSettings, base: str, proxy: str | None) -> None:
        self._config = config
        self._tls = tls
        self._base = base
        self._origin = origin_of(base, proxy)
        self._pool = Pool(int(config.pool_size), config.pool_idle_seconds)
        self._fields: tuple[tuple[str, str], ...] = ()
        if self._origin.in_proxy_form and (authorization := proxy_authorization(urlsplit(proxy or ""))):
            self._fields = (("Proxy-Authorization", authorization),)

    def urlopen(
        self, *, method: str, url: str, body: bytes | None, headers: Any, timeout: Deadline, **_unused: Any
    ) -> Reply:
        """One exchange. ``NoReplyError`` if there is no complete answer."""
        target = url if self._origin.in_proxy_form else url[len(self._base) :] or "/"
        fields = (*headers.items(), *self._fields)
        wire = request_bytes(method, target, self._origin.host_header, fields, body)
        reader = AnswerReader(self._config.max_body_bytes)
        self._exchange(wire, reader, timeout.at)
        return Reply(reader.status, reader.headers, reader.body, time.time())

    def close(self) -> None:
        """Close idle connections now, and those in use when their answers have come."""
        self._pool.close()

    def _exchange(self, wire: bytes, reader: AnswerReader, deadline: float) -> None:
        connection = self._pool.acquire(lambda: self._open(deadline))
        try:
            connection.exchange(wire, reader, deadline, self._config.timeout_read)
        except NoReplyError as fault:
            self._give_up(connection, reader, fault)
        except BaseException:
            self._pool.discard(connection)
            raise
        if reader.reusable:
            self._pool.release(connection)
        else:
            self._pool.discard(connection)

    def _give_up(self, connection: Connection, reader: AnswerReader, fault: NoReplyError) -> NoReturn:
        self._pool.discard(connection)
        if connection.uses:
            self._pool.clear()  # what ended this kept-alive connection has probably ended the others
        if reader.head_seen:
            fault.status, fault.headers = reader.status, reader.headers
        raise fault

    def _open(self, deadline: float) -> Connection:
        return open_connection(self._origin, self._tls.context, deadline, self._config.timeout_connect)


class SocketAdapter(HTTPAdapter):
    """Sends over sockets whose every wait ends at the call's deadline."""

    def __init__(self, config: ClientConfig) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._config = config
        self._tls = TlsSettings(config)
        self._proxies = ProxySettings(config.proxy)
        self._routes: dict[str, Route] = {}
        self._closed = False

    def get_connection_with_tls_context(self, request: PreparedRequest, *_args: Any, **_kwargs: Any) -> Any:
        """The route plays urllib3's pool: ``send`` only calls its ``urlopen``."""
        url = str(request.url)
        base = url[: url.find("/", len("https://"))]
        return self._routes.get(base) or self._add_route(base)

    def cert_verify(self, *_args: Any, **_kwargs: Any) -> None:
        """TLS is settled once, in ``TlsSettings``; the environment has no say per call."""

    def request_url(self, request: PreparedRequest, proxies: object) -> str:
        """The whole URL: what of it goes on the request line is the route's business."""
        return str(request.url)

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """A Response of our Reply; a double's answer (``responses``) is built as requests builds it."""
        if not isinstance(resp, Reply):
            return super().build_response(req, resp)
        return _ReplyResponse(req, resp)

    def close(self) -> None:
        """Close every connection."""
        self._closed = True
        for route in tuple(self._routes.values()):
            route.close()
        super().close()

    def _add_route(self, base: str) -> Route:
        route = Route(self._config, self._tls, base, self._proxies.proxy_for(base))
        route = self._routes.setdefault(base, route)
        if self._closed:  # closed while this call was under way: it may end, but nothing of it stays open
            route.close()
        return route


class _ReplyResponse(Response):
    """A requests.Response around a Reply that has been read already.

    Not built by ``Response.__init__``, which makes a cookie jar and two dicts: a fifth of what a call costs, for
    something that only a hook on ``transport.session`` ever looks at.
    """

    def __init__(self, request: PreparedRequest, reply: Reply) -> None:
        self.reply = reply
        self.status_code = reply.status
        self.request = request
        self.url = str(request.url)
        self.history = []
        self.raw = self.encoding = self._next = None
        self.reason = ""
        self._content = reply.body
        self._content_consumed = True

    @cached_property
    def headers(self) -> CaseInsensitiveDict[str]:  # type: ignore[override]  # an attribute there, made at once
        return CaseInsensitiveDict(self.reply.headers)

    @cached_property
    def cookies(self) -> RequestsCookieJar:  # type: ignore[override]  # an attribute there, made at once
        return RequestsCookieJar()
