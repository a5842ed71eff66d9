"""The blocking transport: a requests Session over our sockets, its exceptions translated here and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final, cast

import requests
from requests import exceptions as requests_errors
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from urllib3 import exceptions as urllib3_errors

from .._core.wire import Failure, Headers, NoReply, Reply, Request
from .._http.error import NoReplyError
from ..config import ClientConfig
from ..exceptions import MolamError
from .adapter import Deadline, SocketAdapter
from .connection import clock

# What a double raises in a merchant's test (our own sockets raise NoReplyError), the first match counts.
_TRANSLATION: Final[tuple[tuple[type[Exception], Failure], ...]] = (
    (requests_errors.ConnectTimeout, Failure.CONNECT_TIMEOUT),
    (requests_errors.ReadTimeout, Failure.TIMEOUT),
    (requests_errors.Timeout, Failure.TIMEOUT),
    (requests_errors.ProxyError, Failure.PROXY),
    (requests_errors.SSLError, Failure.CERTIFICATE),
    (requests_errors.ChunkedEncodingError, Failure.INCOMPLETE),
    (requests_errors.ContentDecodingError, Failure.MALFORMED),
    (urllib3_errors.NewConnectionError, Failure.CONNECT),
    (urllib3_errors.ProtocolError, Failure.INCOMPLETE),
    (TimeoutError, Failure.TIMEOUT),
)


class RequestsTransport:
    """Sends through ``Session.send``, so that ``responses`` and ``requests_mock`` work on it unchanged."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self.session = _Session()
        self.session.trust_env = False
        adapter = SocketAdapter(config)
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, adapter)

    def send(self, request: Request) -> Reply | NoReply:
        """One attempt. Whatever goes wrong comes back as a value; only KeyboardInterrupt and its like pass."""
        try:
            response = self.session.send(
                _prepare(request),
                timeout=cast(Any, Deadline(request.deadline)),
                stream=True,
                verify=self._config.verify_ssl,
                cert=None,
                proxies={},
                allow_redirects=False,
            )
            return _read(response, self._config.max_body_bytes)
        except NoReplyError as fault:
            return fault.no_reply()
        except MolamError:
            raise
        except Exception as problem:  # noqa: BLE001 - whatever a double or a hook raises, the call must keep its key
            return NoReply(_failure_of(problem), f"{type(problem).__name__}: {problem}", problem)

    def sleep(self, seconds: float) -> None:
        """Wait before another attempt."""
        time.sleep(seconds)

    def clock(self) -> float:
        """The monotonic clock that deadlines are times of."""
        return clock()

    def close(self) -> None:
        """Close the connections."""
        self.session.close()


class _Session(requests.Session):
    def resolve_redirects(self, *_args: Any, **_kwargs: Any) -> Iterator[Response]:
        """Nothing is followed: a redirect would carry the key and the payment elsewhere."""
        return iter(())


def _prepare(request: Request) -> PreparedRequest:
    """A prepared request without requests' own preparation: URL and headers are finished already."""
    prepared = PreparedRequest()
    prepared.method = request.method
    prepared.url = request.url
    prepared.headers = CaseInsensitiveDict(request.headers)
    prepared.body = request.body
    prepared.hooks = {"response": []}
    return prepared


def _read(response: Response, max_body: int) -> Reply | NoReply:
    reply = getattr(response, "reply", None)
    if isinstance(reply, Reply):
        return reply
    headers = Headers(response.headers.items())
    try:
        body = response.content
    except (requests_errors.RequestException, urllib3_errors.HTTPError) as problem:
        return NoReply(
            _failure_of(problem), f"{type(problem).__name__}: {problem}", problem, response.status_code, headers
        )
    if len(body) > max_body:
        detail = f"the answer's body is larger than {max_body} bytes"
        return NoReply(Failure.TOO_LARGE, detail, None, response.status_code, headers)
    return Reply(response.status_code, headers, body, time.time())


def _failure_of(problem: BaseException) -> Failure:
    """The failure behind an exception: requests wraps urllib3's, whose kind says more."""
    inner = problem.args[0] if problem.args and isinstance(problem.args[0], Exception) else None
    reason = getattr(inner, "reason", None)
    for candidate in (problem, inner, reason):
        for kind, failure in _TRANSLATION:
            if isinstance(candidate, kind):
                return failure
    return Failure.RESET
