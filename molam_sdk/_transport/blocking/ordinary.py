"""The ordinary road: what an adapter of requests is told, how its answer is read, what its exceptions mean."""

from __future__ import annotations

import importlib.util
import ssl
import time
from typing import Any, Final, Protocol

from requests import exceptions as requests_errors
from requests.adapters import BaseAdapter
from requests.models import Response
from urllib3 import exceptions as urllib3_errors

from ..._core.wire import Failure, Headers, Reply, Request
from ..._http.error import NoReplyError
from ...config import ClientConfig
from ...exceptions import ConfigurationError
from ..failures import links_of, refuses_our_certificate
from ..origin import base_of, clock, time_left_to_connect
from ..proxies import ProxySettings
from ..tls import TlsSettings, refuse_live_key
from .adapter import Deadline

# As small as the pieces are, so little is waited for at once: urllib3 fills a piece before it hands it out.
_PIECE_BYTES: Final = 1024


class SendOptions(Protocol):
    """What ``Session.send`` is told for one request: its keyword arguments, and the header fields."""

    def of(self, request: Request) -> dict[str, Any]: ...

    def headers(self, request: Request) -> dict[str, str]: ...


class SocketOptions:
    """For our own sockets, which know proxies and trust already and take the deadline as it is."""

    def of(self, request: Request) -> dict[str, Any]:
        """The options of one request."""
        return {"timeout": Deadline(request.deadline), "verify": True, "cert": None, "proxies": {}}

    def headers(self, request: Request) -> dict[str, str]:
        """As they are: the length is added on the wire."""
        return request.headers


class AdapterOptions:
    """For an adapter of requests: the config in requests' words. The environment is read once, not per call."""

    def __init__(self, config: ClientConfig) -> None:
        tls = TlsSettings(config)
        self._timeout_connect, self._timeout_read = config.timeout_connect, config.timeout_read
        self._proxies = ProxySettings(config, through_adapter=True)
        self._verify: bool | str = tls.ca_bundle if config.verify_ssl else False
        self._cert = (config.mtls_cert, config.mtls_key) if config.mtls_key is not None else config.mtls_cert

    def of(self, request: Request) -> dict[str, Any]:
        """The options of one request; each wait is bounded by the time left, too."""
        if self._verify is False:
            refuse_live_key(request.headers.items())
        left = time_left_to_connect(request.deadline)
        proxy = self._proxies.proxy_for(base_of(request.url))
        return {
            "timeout": (min(self._timeout_connect, left), min(self._timeout_read, left)),
            "verify": self._verify,
            "cert": self._cert,
            "proxies": {"http": proxy, "https": proxy} if proxy is not None else {},
        }

    def headers(self, request: Request) -> dict[str, str]:
        """With the length, without which HTTPAdapter would send the body in chunks, and as plain texts: recorders write
        them to files by type."""
        headers = {name: str(value) for name, value in request.headers.items()}
        if request.body is None and request.method != "POST":
            return headers
        return headers | {"Content-Length": str(len(request.body or b""))}


def check_adapter(config: ClientConfig, adapter: BaseAdapter) -> None:
    """``ConfigurationError`` for an adapter that would resend by itself, or lacks what its proxy needs."""
    retries = getattr(adapter, "max_retries", None)
    if getattr(retries, "total", 0) not in (0, False):
        raise ConfigurationError(
            "the adapter has max_retries of its own: leave them at 0. The client retries, and an attempt that it knows "
            "nothing of may have been sent"
        )
    proxy = ProxySettings(config, through_adapter=True).proxy_for(config.url) or ""
    if proxy.startswith("socks") and importlib.util.find_spec("socks") is None:
        raise ConfigurationError("a socks proxy needs PySocks: pip install 'requests[socks]'")


def read_reply(response: Response, max_body: int, deadline: float) -> Reply:
    """The answer, its body read in pieces; ``NoReplyError`` with the head's status if that fails."""
    reply = getattr(response, "reply", None)
    if isinstance(reply, Reply):
        return reply
    headers = Headers(response.headers.items())
    try:
        body = _read_body(response, max_body, deadline)
    except Exception as problem:  # noqa: BLE001 - the head has come: whatever happens to the body, it counts
        error = problem if isinstance(problem, NoReplyError) else translated(problem)
        error.status, error.headers = response.status_code, headers
        response.close()
        raise error from error.__cause__
    return Reply(response.status_code, headers, body, time.time())


def translated(problem: Exception) -> NoReplyError:
    """The same as a ``NoReplyError``; whatever is not surely from before the first byte is in doubt."""
    error = NoReplyError(_failure_of(problem), f"{type(problem).__name__}: {problem}")
    error.__cause__ = problem
    return error


def _read_body(response: Response, max_body: int, deadline: float) -> bytes:
    body = bytearray()
    for piece in response.iter_content(_PIECE_BYTES):
        body += piece
        if len(body) > max_body:
            raise NoReplyError(Failure.TOO_LARGE, f"the answer's body is larger than {max_body} bytes")
        if clock() >= deadline:
            raise NoReplyError(Failure.TIMEOUT, "no complete answer in time")
    return bytes(body)


# The first row that matches any link of the chain counts. In these, surely nothing of the request has left.
_NOT_SENT: Final[tuple[tuple[type[BaseException], Failure], ...]] = (
    (urllib3_errors.NameResolutionError, Failure.DNS),
    (urllib3_errors.NewConnectionError, Failure.CONNECT),
    (urllib3_errors.ConnectTimeoutError, Failure.CONNECT_TIMEOUT),
    (requests_errors.ConnectTimeout, Failure.CONNECT_TIMEOUT),
    (ssl.SSLCertVerificationError, Failure.CERTIFICATE),
    (requests_errors.InvalidURL, Failure.LOCAL),
    (requests_errors.InvalidSchema, Failure.LOCAL),
    (requests_errors.InvalidHeader, Failure.LOCAL),
)
_PERHAPS_SENT: Final[tuple[tuple[type[BaseException], Failure], ...]] = (
    (requests_errors.Timeout, Failure.TIMEOUT),
    (urllib3_errors.ReadTimeoutError, Failure.TIMEOUT),
    (requests_errors.ChunkedEncodingError, Failure.INCOMPLETE),
    (requests_errors.ContentDecodingError, Failure.MALFORMED),
    (urllib3_errors.DecodeError, Failure.MALFORMED),
    (urllib3_errors.ProtocolError, Failure.INCOMPLETE),
    (TimeoutError, Failure.TIMEOUT),
)


def _failure_of(problem: Exception) -> Failure:
    """The failure behind an exception: requests wraps urllib3's, which wraps the standard library's."""
    chain = list(links_of(problem))
    if found := _first_match(_NOT_SENT, chain):
        return found
    if any(map(refuses_our_certificate, chain)):
        return Failure.CERTIFICATE
    if isinstance(problem, requests_errors.ProxyError):  # urllib3 speaks of the proxy only before it has reached it
        return Failure.PROXY
    if isinstance(problem, requests_errors.SSLError) and len(chain) == 1:  # as a double in a merchant's test raises it
        return Failure.CERTIFICATE
    return _first_match(_PERHAPS_SENT, chain) or Failure.RESET


def _first_match(rows: tuple[tuple[type[BaseException], Failure], ...], chain: list[BaseException]) -> Failure | None:
    for kind, failure in rows:
        if any(isinstance(link, kind) for link in chain):
            return failure
    return None
