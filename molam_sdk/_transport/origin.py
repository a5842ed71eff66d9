"""Where calls go, which way, and how much time is left for it."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from .._core.wire import Failure
from .._http.error import NoReplyError
from .._http.request import request_bytes

clock = time.monotonic

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """The API's host and port, over TLS or not, perhaps through an HTTP proxy."""

    base: str
    scheme: str
    host: str
    port: int
    proxy: SplitResult | None = field(default=None, repr=False)  # it holds the proxy's password
    _proxy_fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    host_header: str = field(init=False, repr=False)
    """The ``Host`` of requests (RFC 9112 §3.2): no port where it is the scheme's own."""
    in_proxy_form: bool = field(init=False, repr=False)
    """Whether requests name the whole URL (RFC 9112 §3.2.2): plain HTTP through a proxy."""

    def __post_init__(self) -> None:
        usual = self.port == _DEFAULT_PORTS[self.scheme]
        object.__setattr__(self, "host_header", self._bracketed if usual else self.authority)
        object.__setattr__(self, "in_proxy_form", self.proxy is not None and not self.secure)

    @property
    def secure(self) -> bool:
        """Whether calls go over TLS."""
        return self.scheme == "https"

    @property
    def address(self) -> tuple[str, int]:
        """The host and port to connect to: the proxy's, where there is one."""
        if self.proxy is None:
            return self.host, self.port
        return self.proxy.hostname or "", self.proxy.port or _DEFAULT_PORTS["http"]

    @property
    def authority(self) -> str:
        """Host and port, as CONNECT names them (RFC 9112 §3.2.3)."""
        return f"{self._bracketed}:{self.port}"

    def request_bytes(self, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes | None) -> bytes:
        """A request to this origin, as it goes over the wire."""
        if self.in_proxy_form:
            return request_bytes(method, url, self.host_header, (*headers, *self._proxy_fields), body)
        return request_bytes(method, url[len(self.base) :] or "/", self.host_header, headers, body)

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def base_of(url: str) -> str:
    """The scheme and authority of a URL, without looking at the rest."""
    return url[: url.find("/", len("https://"))]


def origin_of(base: str, proxy: str | None) -> Origin:
    """The origin of a base URL."""
    parts = urlsplit(base)
    via = urlsplit(proxy) if proxy is not None else None
    authorization = proxy_authorization(via) if via is not None else None
    fields = (("Proxy-Authorization", authorization),) if authorization else ()
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    return Origin(base, parts.scheme, parts.hostname or "", port, via, fields)


def proxy_authorization(proxy: SplitResult) -> str | None:
    """The ``Proxy-Authorization`` of credentials in a proxy URL."""
    if proxy.username is None:
        return None
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def time_left(deadline: float) -> float:
    """The seconds until a deadline; ``TimeoutError`` if there are none."""
    left = deadline - clock()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def time_left_to_connect(deadline: float) -> float:
    """The seconds until a deadline, while nothing of the request has been sent."""
    left = deadline - clock()
    if left <= 0:
        raise NoReplyError(Failure.CONNECT_TIMEOUT, "the deadline passed while connecting")
    return left
