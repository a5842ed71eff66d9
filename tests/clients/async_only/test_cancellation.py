"""A cancelled call: its connection is gone, the breaker knows nothing of it, and its fate can be asked for."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import socket
import threading
from collections.abc import Awaitable
from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamAsyncClient, NetworkError, RequestValidationError
from molam_sdk.testing import AsyncScriptedTransport, Reply, Request, ScriptedTransport, reply
from tests.support.echo import EchoServer
from tests.support.http_server import INTENT, ORDER, HostileServer


async def torn(call: Awaitable[Any], echo: EchoServer) -> asyncio.CancelledError:
    """Cancel a call once its request has reached the server."""
    echo.gate.clear()
    echo.arrived.clear()
    task = asyncio.ensure_future(call)
    await echo.arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert task.cancelled()
    echo.gate.set()
    return caught.value


async def test_the_connection_of_a_cancelled_call_is_never_used_again(
    client: MolamAsyncClient, echo: EchoServer
) -> None:
    await client.create_payment_intent(ORDER, idempotency_key="before")
    await torn(client.create_payment_intent(ORDER, idempotency_key="torn"), echo)
    answers = [await client.create_payment_intent(ORDER, idempotency_key=f"after-{n}") for n in range(3)]
    assert [intent.id for intent in answers] == ["after-0", "after-1", "after-2"]
    assert echo.connections == 2


async def test_a_cancelled_call_is_logged_as_unknown_with_its_key(
    client: MolamAsyncClient, echo: EchoServer, caplog: pytest.LogCaptureFixture
) -> None:
    await torn(client.create_payment_intent(ORDER, idempotency_key="order-7"), echo)
    line = next(
        record
        for record in caplog.records
        if record.getMessage().startswith("call unknown create_payment_intent idempotency_key=order-7 ")
    )
    assert line.levelno == logging.WARNING
    assert (line.__dict__["idempotency_key"], line.__dict__["code"]) == ("order-7", "interrupted")


async def test_cancelled_calls_do_not_count_against_the_breaker(client: MolamAsyncClient, echo: EchoServer) -> None:
    for _ in range(2 * client.cb.fail_max):
        await torn(client.create_payment_intent(ORDER), echo)
    assert (client.cb.fail_counter, client.cb.current_state) == (0, "closed")


async def test_a_call_cancelled_in_its_pause_does_not_count_either() -> None:
    pausing = asyncio.Event()

    class Pausing(AsyncScriptedTransport):
        async def sleep(self, seconds: float) -> None:
            pausing.set()
            await asyncio.Event().wait()

    config = ClientConfig(api_key="sk_test_x", environment="sandbox")
    client = MolamAsyncClient(config, transport=Pausing(ScriptedTransport(reply(503))))
    task = asyncio.create_task(client.create_payment_intent(ORDER))
    await pausing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert client.cb.fail_counter == 0


async def test_a_cancelled_probe_leaves_room_for_another(client: MolamAsyncClient, echo: EchoServer) -> None:
    client.cb.half_open()
    await torn(client.create_payment_intent(ORDER), echo)
    assert client.cb.current_state == "half-open"
    assert (await client.create_payment_intent(ORDER, idempotency_key="probe")).id == "probe"
    assert client.cb.current_state == "closed"


async def test_what_became_of_a_cancelled_call_can_be_asked_for(client: MolamAsyncClient, echo: EchoServer) -> None:
    cancellation = await torn(client.create_payment_intent(ORDER, idempotency_key="order-7"), echo)
    assert (await client.resolve(cancellation)).id == "order-7"
    assert echo.keys == ["order-7", "order-7"]


async def test_a_timeout_around_a_call_can_be_asked_about_too(client: MolamAsyncClient, echo: EchoServer) -> None:
    echo.gate.clear()
    with pytest.raises(asyncio.TimeoutError) as caught:
        await asyncio.wait_for(client.create_payment_intent(ORDER, idempotency_key="order-8"), 0.05)
    echo.gate.set()
    assert (await client.resolve(caught.value)).id == "order-8"
    assert echo.keys == ["order-8", "order-8"]


@pytest.mark.skipif(not hasattr(asyncio, "timeout"), reason="asyncio.timeout came with Python 3.11")
async def test_asyncio_timeout_around_a_call_behaves(client: MolamAsyncClient, echo: EchoServer) -> None:
    echo.gate.clear()
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.05):
            await client.create_payment_intent(ORDER, idempotency_key="order-9")
    assert not isinstance(caught.value, NetworkError)
    echo.gate.set()
    assert (await client.resolve(caught.value)).id == "order-9"


async def test_an_error_that_is_of_no_call_cannot_be_asked_about(client: MolamAsyncClient) -> None:
    with pytest.raises(RequestValidationError, match="no request"):
        await client.resolve(asyncio.CancelledError())


async def test_a_call_cancelled_while_it_connects_leaves_nothing_behind() -> None:
    with HostileServer(accepting=False) as server:  # nobody will shake hands
        base_url = server.url.replace("http:", "https:")
        async with MolamAsyncClient(ClientConfig(api_key="sk_test_x", base_url=base_url, timeout_connect=5)) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.create_payment_intent(ORDER), 0.05)
    gc.collect()  # an open socket would warn now, and warnings are errors


def test_a_call_cancelled_while_its_name_is_looked_up_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    real = socket.getaddrinfo

    def hung(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "hung.test" and not options.get("flags"):
            over.wait(30)
            raise socket.gaierror("the test is over")
        return real(host, *arguments, **options)

    async def use() -> None:
        config = ClientConfig(api_key="sk_test_x", base_url="https://hung.test", timeout_connect=20)
        async with MolamAsyncClient(config) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.create_payment_intent(ORDER), 0.05)

    monkeypatch.setattr(socket, "getaddrinfo", hung)
    complaints: list[dict[str, Any]] = []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    try:
        loop.run_until_complete(use())
    finally:
        loop.close()  # not asyncio.run, which would cancel what is left
        over.set()
    for thread in threading.enumerate():
        if "hung.test" in thread.name:
            thread.join()
    gc.collect()
    assert complaints == []


async def test_cancelling_at_any_moment_never_mixes_answers_up(client: MolamAsyncClient, echo: EchoServer) -> None:
    dice = random.Random(7)
    echo.seconds = 0.002

    async def one(number: int) -> str:
        intent = await client.create_payment_intent(ORDER, idempotency_key=f"key-{number}")
        return "" if intent.id == f"key-{number}" else f"key-{number} was answered {intent.id}"

    for round_number in range(20):
        tasks = [asyncio.create_task(one(100 * round_number + n)) for n in range(40)]
        for task in dice.sample(tasks, 20):
            await asyncio.sleep(dice.uniform(0, 0.0005))
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {r for r in results if not isinstance(r, asyncio.CancelledError)} <= {""}
    assert client.cb.current_state == "closed"


async def test_a_call_that_was_waiting_for_its_bulkhead_was_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "molam_sdk")
    gone = asyncio.Event()

    class Holding(AsyncScriptedTransport):
        async def send(self, request: Request) -> Reply:
            await gone.wait()
            return reply(201, INTENT)

    config = ClientConfig(api_key="sk_test_x", environment="sandbox", bulkheads={"payments": 1}, bulkhead_wait=30.0)
    client = MolamAsyncClient(config, transport=Holding(ScriptedTransport()))
    first = asyncio.create_task(client.create_payment_intent(ORDER))
    second = asyncio.create_task(client.create_payment_intent(ORDER))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert caplog.records[-1].__dict__["outcome"] == "not_sent"
    gone.set()
    assert (await first).id == "pi_1"
