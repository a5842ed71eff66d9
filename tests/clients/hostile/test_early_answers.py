"""An answer that comes while the request is still being sent: it is read, and it counts."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import APIError
from tests.support.caller import Caller
from tests.support.http_server import ENDED, ORDER, Serve, Turn, Wire, created, http

pytestmark = pytest.mark.usefixtures("no_environment")

Secured = tuple[dict[str, Any], dict[str, Any]]
LARGE = {**ORDER, "metadata": {"note": "x" * 12_000_000}}
TOO_LARGE = http(413, {"error": {"code": "payload_too_large", "message": "no"}}, [("X-Molam-Request-Id", "req_1")])


def early(*, reset: bool) -> Turn:
    def turn(wire: Wire) -> bool:
        wire.send(TOO_LARGE)
        if reset:
            wire.sock.close()
            return ENDED
        wire.over.wait(30)  # and reads no more
        return ENDED

    return turn


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server takes a request for whole once it has read the first bytes of it."""

    def next_request(self: Any) -> Any:
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head.decode("latin-1").split("\r\n")[0], {}, b""

    monkeypatch.setattr("tests.support.http_server._Requests.next", next_request)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "open"])
def test_an_early_refusal_is_believed_and_not_retried(
    caller: Caller, serve: Serve, secured: Secured, reset: bool
) -> None:
    server = serve(usual=early(reset=reset), **secured[0])
    caller.make(server.url, timeout_total=10, **secured[1])
    with pytest.raises(APIError) as caught:
        caller.call("create_payment_intent", LARGE)
    assert (caught.value.status_code, caught.value.outcome, caught.value.attempts) == (413, "rejected", 1)
    assert server.connections == 1


@pytest.mark.usefixtures("impatient")
def test_the_connection_of_an_early_answer_carries_no_other_request(
    caller: Caller, serve: Serve, secured: Secured
) -> None:
    server = serve(early(reset=False), created(), **secured[0])
    caller.make(server.url, **secured[1])
    with pytest.raises(APIError):
        caller.call("create_payment_intent", LARGE)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    assert server.connections == 2


def test_a_large_request_arrives_whole(caller: Caller, serve: Serve, secured: Secured) -> None:
    server = serve(**secured[0])
    caller.make(server.url, **secured[1])
    assert caller.call("create_payment_intent", {**ORDER, "metadata": {"note": "x" * 2_000_000}}).id == "pi_1"
    assert len(server.requests[0].body) > 2_000_000
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
