"""The blocking transport: a requests Session over our sockets, or over any adapter of requests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict

from ..._core.wire import NoReply, Reply, Request
from ..._frames import without_values
from ..._http.error import NoReplyError
from ...config import ClientConfig
from ...exceptions import MolamError
from ..defaults import default_adapter
from ..failures import interruption_in, no_reply
from ..origin import clock
from .adapter import SocketAdapter
from .ordinary import AdapterOptions, SendOptions, SocketOptions, check_adapter, read_reply, translated


class RequestsTransport:
    """Sends through ``Session.send``, so that ``responses`` and ``requests_mock`` work on it unchanged.

    Without ``adapter`` it opens sockets of its own, whose every wait ends at the call's deadline. With one, requests
    and urllib3 do the work: SOCKS and TLS proxies, vcrpy, httpretty and pook then work as with any Session. What
    differs: ``timeout_connect`` and ``timeout_read`` bound single waits, and the deadline only what is between them;
    and where urllib3 cannot tell whether the request has left, the outcome is ``unknown``. Give the adapter no
    retries of its own: the client retries, under the same idempotency key and within the deadline.
    """

    @without_values
    def __init__(self, config: ClientConfig, adapter: BaseAdapter | None = None) -> None:
        self._config = config
        self.session = _Session()
        self.session.trust_env = False
        adapter = adapter if adapter is not None else default_adapter()
        self._options: SendOptions = SocketOptions()
        if adapter is not None:
            check_adapter(config, adapter)
            self._options = AdapterOptions(config)
        mounted = adapter if adapter is not None else SocketAdapter(config)
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, mounted)

    def send(self, request: Request) -> Reply | NoReply:
        """One attempt. Whatever goes wrong comes back as a value; only what is raised from outside passes: Ctrl-C, the
        time limit of a signal handler."""
        try:
            options = self._options.of(request)
            prepared = _prepare(request, self._options.headers(request))
            response = self.session.send(prepared, stream=True, allow_redirects=False, **options)
            return read_reply(response, self._config.max_body_bytes, request.deadline)
        except MolamError:
            raise
        except Exception as problem:  # noqa: BLE001 - whatever a double or a hook raises, the call must keep its key
            interruption = interruption_in(problem)
            if interruption is None:
                return no_reply(problem if isinstance(problem, NoReplyError) else translated(problem))
        raise interruption

    def sleep(self, seconds: float) -> None:
        """Wait before another attempt."""
        time.sleep(seconds)

    def clock(self) -> float:
        """The monotonic clock that deadlines are times of."""
        return clock()

    def discard_connections(self) -> None:
        """Close the connections that no call is using: one of them brought an answer that was another call's."""
        adapter = self.session.get_adapter("https://")
        if isinstance(adapter, SocketAdapter):
            adapter.close_idle()
        else:
            adapter.close()

    def close(self) -> None:
        """Close the connections."""
        self.session.close()


class _Session(requests.Session):
    def resolve_redirects(self, *_args: Any, **_kwargs: Any) -> Iterator[Response]:
        """Nothing is followed: a redirect would carry the key and the payment elsewhere."""
        return iter(())


def _prepare(request: Request, headers: dict[str, str]) -> PreparedRequest:
    """A prepared request without requests' own preparation: URL and headers are finished already."""
    prepared = PreparedRequest()
    prepared.method = request.method
    prepared.url = request.url
    prepared.headers = CaseInsensitiveDict(headers)
    prepared.body = request.body
    prepared.hooks = {"response": []}
    return prepared
