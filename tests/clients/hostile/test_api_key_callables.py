"""A callable that gives the API key: under the deadline of each call, once for all, and what it raises is an error."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import AuthenticationError, ClientConfig, ConfigurationError, MolamAsyncClient, MolamTimeoutError
from molam_sdk.testing import AsyncScriptedTransport, ScriptedTransport, reply
from tests.support.caller import Caller
from tests.support.http_server import ORDER, Serve

REFUND = {"id": "re_1", "payment_id": "pi_1", "amount": 1, "currency": "USD", "status": "succeeded"}
OK = reply(200, REFUND)


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set when the test ends: whatever hangs until then goes on."""
    event = threading.Event()
    yield event
    event.set()


def test_one_that_hangs_costs_no_call_more_than_its_time(caller: Caller, serve: Serve, over: threading.Event) -> None:
    server, asked = serve(), []

    def hang() -> str:
        asked.append(1)
        over.wait(30)
        return "sk_live_1"

    caller.make(server.url, api_key=hang)
    began = time.monotonic()
    found = caller.together([("create_payment_intent", (ORDER,), {"timeout": 0.4})] * 10)
    assert time.monotonic() - began < 1.5
    assert {(type(error), error.outcome, error.attempts) for error in found} == {(MolamTimeoutError, "not_sent", 0)}
    assert (len(asked), server.requests) == (1, [])


def test_it_runs_once_for_all_who_wait(caller: Caller, serve: Serve) -> None:
    server, asked = serve(), []

    def slow() -> str:
        asked.append(threading.current_thread().daemon)
        time.sleep(0.2)
        return "sk_live_1"

    caller.make(server.url, api_key=slow)
    found = caller.together([("create_payment_intent", (ORDER,), {})] * 16)
    assert [intent.id for intent in found] == ["pi_1"] * 16
    assert asked == [True]
    assert {seen.headers["authorization"] for seen in server.requests} == {"Bearer sk_live_1"}


@pytest.mark.parametrize("raised", [LookupError("the vault is sealed"), SystemExit(3)])
def test_what_it_raises_is_a_configuration_error_that_is_counted_and_logged(
    caller: Caller, caplog: pytest.LogCaptureFixture, raised: BaseException
) -> None:
    def fail() -> str:
        raise raised

    registry = CollectorRegistry()
    transport = ScriptedTransport(OK)
    client = caller.make(transport=transport, api_key=fail, registry=registry)
    with caplog.at_level(logging.INFO), pytest.raises(ConfigurationError) as caught:
        caller.call("create_payment_intent", ORDER, idempotency_key="order-7")
    error = caught.value
    assert (error.outcome, error.idempotency_key, error.__cause__) == ("not_sent", "order-7", raised)
    assert "sealed" not in str(error)
    labels = {"endpoint": "create_payment_intent", "code": "no_api_key"}
    assert registry.get_sample_value("molam_sdk_requests_total", labels) == 1
    assert registry.get_sample_value("molam_sdk_calls_in_flight", {"group": "payments"}) == 0
    assert [record.__dict__["code"] for record in caplog.records if record.message.startswith("call ")] == [
        "no_api_key"
    ]
    assert (client.cb.fail_counter, transport.requests) == (0, [])


def test_a_key_that_can_be_none_is_refused(caller: Caller) -> None:
    caller.make(transport=ScriptedTransport(OK), api_key=lambda: "sk live\n")
    with pytest.raises(ConfigurationError) as caught:
        caller.call("retrieve_refund", "re_1")
    assert caught.value.operation == "retrieve_refund"
    assert "live" not in str(caught.value)


def test_it_is_asked_again_after_it_has_failed(caller: Caller) -> None:
    answers: list[Any] = [LookupError("sealed"), "sk_live_1"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    caller.make(transport=ScriptedTransport(OK), api_key=ask)
    with pytest.raises(ConfigurationError):
        caller.call("retrieve_refund", "re_1")
    assert caller.call("retrieve_refund", "re_1").id == "re_1"


def test_one_that_gives_the_refused_key_again_leaves_the_401(caller: Caller) -> None:
    transport = ScriptedTransport(reply(401), OK)
    caller.make(transport=transport, api_key=lambda: "sk_live_1")
    with pytest.raises(AuthenticationError) as caught:
        caller.call("retrieve_refund", "re_1")
    assert (len(transport.requests), caught.value.attempts) == (1, 1)


async def test_the_event_loop_goes_on_meanwhile(over: threading.Event) -> None:
    def slow() -> str:
        over.wait(0.5)
        return "sk_live_1"

    config = ClientConfig(api_key=slow, base_url="https://api.test")
    client = MolamAsyncClient(config, transport=AsyncScriptedTransport(ScriptedTransport(OK)))
    call, ticks = asyncio.ensure_future(client.retrieve_refund("re_1", timeout=30)), 0
    while not call.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert (await call).id == "re_1"
    assert ticks > 10


def test_it_sees_the_context_of_the_call(caller: Caller) -> None:
    tenant: ContextVar[str] = ContextVar("tenant")
    tenant.set("acme")
    transport = ScriptedTransport(OK)
    caller.make(transport=transport, api_key=lambda: f"sk_live_{tenant.get()}")
    caller.call("retrieve_refund", "re_1")
    assert transport.requests[0].headers["Authorization"] == "Bearer sk_live_acme"
