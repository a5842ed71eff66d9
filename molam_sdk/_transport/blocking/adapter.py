"""The lower half of requests, replaced: its Session and HTTPAdapter.send stay, the sockets are ours.

``HTTPAdapter.send`` itself is inherited, because that is what ``responses`` patches; it asks this class for a
"connection pool", calls ``urlopen`` on it and hands what comes to ``build_response``.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from urllib3.util import Timeout

from ..._core.wire import Reply
from ...config import ClientConfig
from ..origin import base_of, origin_of
from ..proxies import ProxySettings
from ..recording import RecorderCheck
from ..tls import TlsSettings
from .route import Route


class Deadline(Timeout):
    """A call's deadline, as something that ``HTTPAdapter.send`` passes on untouched. A time of the monotonic clock."""

    def __init__(self, at: float) -> None:
        self.at = at


class _Pool:
    """What ``HTTPAdapter.send`` takes for urllib3's connection pool: it only calls ``urlopen``."""

    def __init__(self, route: Route) -> None:
        self.route = route

    def urlopen(
        self, *, method: str, url: str, body: bytes | None, headers: Any, timeout: Deadline, **_unused: Any
    ) -> Reply:
        """One exchange. ``NoReplyError`` if there is no complete answer."""
        return self.route.send(method, url, headers.items(), body, timeout.at)


class SocketAdapter(HTTPAdapter):
    """Sends over sockets whose every wait ends at the call's deadline."""

    def __init__(self, config: ClientConfig) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._config = config
        self._tls = TlsSettings(config)
        self._proxies = ProxySettings(config)
        self._recorder = RecorderCheck()
        self._pools: dict[str, _Pool] = {}
        self._closed = False

    def get_connection_with_tls_context(self, request: PreparedRequest, *_args: Any, **_kwargs: Any) -> Any:
        """The way to the request's origin, in the place of urllib3's pool."""
        base = base_of(str(request.url))
        return self._pools.get(base) or self._add_pool(base)

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
        for pool in tuple(self._pools.values()):
            pool.route.close()
        super().close()

    def close_idle(self) -> None:
        """Close the connections that no call is using; the next call opens its own."""
        for pool in tuple(self._pools.values()):
            pool.route.pool.clear()

    def _add_pool(self, base: str) -> _Pool:
        origin = origin_of(base, self._proxies.proxy_for(base))
        pool = self._pools.setdefault(base, _Pool(Route(self._config, self._tls, origin, self._recorder)))
        if self._closed:  # closed while this call was under way: it may end, but nothing of it stays open
            pool.route.close()
        return pool


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
