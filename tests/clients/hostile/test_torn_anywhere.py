"""An exception raised between any two lines of the SDK leaks nothing, and what it tore can be resolved."""

from __future__ import annotations

import gc
import linecache
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

import molam_sdk
from molam_sdk import ClientConfig, MolamError, MolamSyncClient, RequestValidationError
from molam_sdk._resolving import failed_call
from tests.support.http_server import ORDER, HostileServer, Serve, error

# Sockets that are torn out of opening a connection are closed when they are collected, which Python remarks on.
pytestmark = [
    pytest.mark.usefixtures("no_environment"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

OUR_CODE = str(Path(molam_sdk.__file__).parent)


class Torn(BaseException):
    """As dramatiq's Interrupt, gevent's Timeout or Ctrl-C."""


class TearAt:
    """Raises once, at the n-th line of the SDK that is run in this thread."""

    def __init__(self, line: int) -> None:
        self.left = line
        self.where = ""
        self.entered: list[tuple[FrameType, int]] = []

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(OUR_CODE):
            return None
        if event == "line" and not self._leaves_with(frame):
            self.left -= 1
            if self.left == 0:
                self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                sys.settrace(None)
                self.entered.clear()
                raise Torn(self.where)
        return self

    def _leaves_with(self, frame: FrameType) -> bool:
        """Whether this is the end of a ``with``, seen again: there CPython raises nothing into a thread."""
        if not linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with "):
            return False
        known = (frame, frame.f_lineno) in self.entered
        self.entered.append((frame, frame.f_lineno))
        return known


def torn(client: MolamSyncClient, line: int) -> BaseException | None:
    """What a call ends with that is torn at its n-th line; None once it has fewer."""
    before, tear = sys.gettrace(), TearAt(line)
    try:
        sys.settrace(tear)
        client.create_payment_intent(ORDER, idempotency_key=f"order-{line}")
    except Torn as raised:
        return raised
    except MolamError as ended:
        sys.settrace(before)
        if "has no JSON form" in str(ended):  # pydantic wraps whatever a serializer raises; nothing is sent yet
            return ended
        assert not tear.where, "swallowed: " + tear.where
    finally:
        sys.settrace(before)
    assert not tear.where, "swallowed: " + tear.where
    return None


def check(client: MolamSyncClient, server: HostileServer, raised: BaseException, line: int) -> None:
    """The torn call can be resolved if its request was read."""
    sent = [request for request in server.requests if request.key == f"order-{line}"]
    try:
        failed = failed_call(raised)
    except RequestValidationError:
        assert not sent, f"sent, and nothing to resolve it by: {raised}"
        return
    assert failed.idempotency_key == f"order-{line}"
    if sent:
        assert failed.outcome != "not_sent", str(raised)


@pytest.mark.parametrize("answers", ["well", "badly"])
@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "kept"])
def test_a_call_torn_at_any_line_leaks_nothing(serve: Serve, answers: str, fresh: bool) -> None:
    server, registry = serve(), CollectorRegistry()
    if answers == "badly":
        server.usual = error(402, "card_declined")
    settings = ClientConfig(api_key="sk_test_x", base_url=server.url, bulkheads={"payments": 1}, max_retries=0)
    with MolamSyncClient(settings, registry=registry, cb_half_open_probes=1) as client:
        client.cb.half_open()
        line, ended = 0, False
        while not ended:
            line += 1
            if fresh:
                client._state.transport.session.get_adapter(server.url).close_idle()  # type: ignore[attr-defined]
            if client.cb.current_state != "half-open":
                client.cb.half_open()
            raised = torn(client, line)
            ended = raised is None
            if raised is not None:
                check(client, server, raised, line)
            where = str(raised)
            del raised
            gc.collect(0)
            value = registry.get_sample_value("molam_sdk_calls_in_flight", {"group": "payments"})
            assert value == 0, where
            assert len(client._breaker._probes) == 0, where
            assert len(client._state.bulkheads._groups["payments"]) == 0, where
        assert line > 200
