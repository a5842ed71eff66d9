"""What merchants need in their own tests: a transport that plays a script, and webhooks as Molam would send them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ._core.wire import Failure, Headers, NoReply, Reply, Request
from ._transport.defaults import adapter_makers
from ._webhook_samples import SampleDelivery, signed_event

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

__all__ = [
    "AsyncScriptedTransport",
    "Failure",
    "NoReply",
    "Reply",
    "Request",
    "SampleDelivery",
    "ScriptedTransport",
    "ordinary_transport",
    "reply",
    "signed_event",
]

_NOW = 1_800_000_000.0


def reply(status: int = 200, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer: ``body`` is bytes as they are, anything else as JSON, None as no body."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Reply(status, Headers((headers or {}).items()), content, _NOW)


@contextmanager
def ordinary_transport(make_adapter: Callable[[], BaseAdapter] | None = None) -> Iterator[None]:
    """Clients made inside the block send through requests' own ``HTTPAdapter``, or one that ``make_adapter`` makes.

    So vcrpy, pytest-recording, httpretty and pook see their calls. A client that was given a transport keeps it.
    """
    if make_adapter is None:
        from requests.adapters import HTTPAdapter

        make_adapter = HTTPAdapter
    adapter_makers.append(make_adapter)
    try:
        yield
    finally:
        adapter_makers.remove(make_adapter)


class ScriptedTransport:
    """Answers each request with the next line of its script; pass it as ``transport=`` to a client.

    A line is ``reply(…)``, ``NoReply(Failure.TIMEOUT, "…")``, an exception to raise, or a function of the
    request that returns one of them. ``requests`` holds what was sent, ``pauses`` the seconds waited between
    attempts; time stands still but for those and for ``seconds_per_request``.
    """

    def __init__(self, *script: Any, seconds_per_request: float = 0.0) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self.pauses: list[float] = []
        self.now = 1000.0
        self.closed = False
        self._seconds = seconds_per_request

    def send(self, request: Request) -> Reply | NoReply:
        """The next line of the script; ``AssertionError`` past its end."""
        self.requests.append(replace(request, headers=dict(request.headers)))
        self.now += self._seconds
        if not self.script:
            raise AssertionError(
                f"the script has no answer for request {len(self.requests)}: {request.method} {request.url}"
            )
        line = self.script.pop(0)
        answer = line(request) if callable(line) else line
        if isinstance(answer, BaseException):
            raise answer
        if not isinstance(answer, Reply | NoReply):
            raise AssertionError(f"a line of the script must be a reply(…) or NoReply(…), not {answer!r}")
        return answer

    def sleep(self, seconds: float) -> None:
        """Let the clock go on, without waiting."""
        self.pauses.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        """The script's time, in seconds."""
        return self.now

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


class AsyncScriptedTransport:
    """The same for ``MolamAsyncClient``: plays a ``ScriptedTransport``, whose ``requests`` and ``pauses`` tell."""

    def __init__(self, script: ScriptedTransport) -> None:
        self.script = script

    async def send(self, request: Request) -> Reply | NoReply:
        """The next line of the script; ``AssertionError`` past its end."""
        return self.script.send(request)

    async def sleep(self, seconds: float) -> None:
        """Let the clock go on, without waiting."""
        self.script.sleep(seconds)

    def clock(self) -> float:
        """The script's time, in seconds."""
        return self.script.clock()

    async def close(self) -> None:
        """Remember that it was closed."""
        self.script.close()
