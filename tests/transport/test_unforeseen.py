"""Errors that no table knows: not sent if nothing was, in doubt otherwise; and no secret in what is handed on."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamAsyncClient, MolamError, NetworkError
from molam_sdk._http.reader import AnswerReader
from molam_sdk._transport.awaited import connect as awaited
from molam_sdk._transport.blocking import connect as blocking
from tests.support.caller import Caller
from tests.support.http_server import ORDER, Serve, then_close, then_hang, then_reset

pytestmark = pytest.mark.usefixtures("no_environment")


def _break(*_: Any, **__: Any) -> Any:
    raise TypeError("a library has changed its signature")


def test_an_error_before_the_first_byte_was_not_sent_and_is_no_outage(
    caller: Caller, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    for module in (blocking, awaited):
        monkeypatch.setattr(module.Connector, "open", _break)
    client = caller.make(server.url)
    with pytest.raises(NetworkError, match="changed its signature") as caught:
        caller.call("create_payment_intent", ORDER)
    assert (caught.value.outcome, caught.value.attempts) == ("not_sent", 1)
    assert isinstance(caught.value.__cause__, TypeError)
    assert (client.cb.fail_counter, server.requests) == (0, [])


def test_an_error_in_building_the_request_was_not_sent(
    caller: Caller, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    monkeypatch.setattr("molam_sdk._transport.origin.request_bytes", _break)
    caller.make(server.url)
    with pytest.raises(NetworkError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (caught.value.outcome, server.connections) == ("not_sent", 0)


def test_the_same_error_after_the_first_byte_is_a_doubt(
    caller: Caller, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(usual=then_hang(b"HTTP/1.1 201 X\r\n"))
    monkeypatch.setattr(AnswerReader, "feed", _break)
    client = caller.make(server.url, max_retries=0, timeout_read=0.5)
    with pytest.raises(MolamError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.outcome == "unknown"
    assert (client.cb.fail_counter, len(server.requests)) == (1, 1)


async def test_an_error_right_after_the_request_was_written_is_a_doubt_on_asyncio(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molam_sdk._transport.awaited.connection.Connection._set_timers", _break)
    async with MolamAsyncClient(ClientConfig(api_key="sk_test_x", base_url=serve().url, max_retries=0)) as client:
        with pytest.raises(NetworkError, match="changed its signature") as caught:
            await client.create_payment_intent(ORDER)
    assert caught.value.outcome == "unknown"


@pytest.mark.parametrize("turn", [then_reset(), then_close(), then_hang()], ids=["reset", "closed", "late"])
def test_the_api_key_is_in_no_frame_that_an_error_hands_on(caller: Caller, serve: Serve, turn: Any) -> None:
    caller.make(serve(usual=turn).url, max_retries=0, timeout_read=0.2)
    with pytest.raises(MolamError) as caught:
        caller.call("create_payment_intent", ORDER)
    cause = caught.value.__cause__
    while cause is not None:
        shown = "".join(traceback.TracebackException.from_exception(cause, capture_locals=True).format())
        assert "sk_test_caller" not in shown
        cause = cause.__cause__ or cause.__context__
