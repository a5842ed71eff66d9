"""Many calls at once on one client: none waits for another unless it was asked to."""

from __future__ import annotations

import asyncio
import time

import pytest

from molam_sdk import BulkheadFullError, CircuitOpenError, ClientConfig, MolamAsyncClient, MolamTimeoutError
from molam_sdk.testing import AsyncScriptedTransport, NoReply, Reply, Request, ScriptedTransport, reply
from tests.support.echo import EchoServer
from tests.support.http_server import INTENT, ORDER, HostileServer


class Holding(AsyncScriptedTransport):
    """Holds every request back until ``gate`` is set, and counts how many it holds at once."""

    def __init__(self, answer: Reply) -> None:
        super().__init__(ScriptedTransport())
        self.answer = answer
        self.gate = asyncio.Event()
        self.held = self.peak = 0

    async def send(self, request: Request) -> Reply | NoReply:
        self.held += 1
        self.peak = max(self.peak, self.held)
        await self.gate.wait()
        self.held -= 1
        return self.answer

    async def when_held(self, count: int) -> None:
        """Give the other tasks their turns until so many requests are here."""
        for _ in range(1000):
            if self.held >= count:
                return
            await asyncio.sleep(0)
        raise AssertionError(f"{self.held} requests are held, not {count}")


def client_of(transport: AsyncScriptedTransport, **settings: object) -> MolamAsyncClient:
    config = ClientConfig(api_key="sk_test_x", environment="sandbox", max_retries=0, **settings)  # type: ignore[arg-type]  # settings of any type
    return MolamAsyncClient(config, transport=transport)


async def test_a_thousand_calls_are_in_flight_at_once(client: MolamAsyncClient, echo: EchoServer) -> None:
    echo.gate.clear()
    echo.awaited = 1000
    calls = [asyncio.create_task(client.create_payment_intent(ORDER, idempotency_key=f"k-{n}")) for n in range(1000)]
    await echo.complete.wait()
    echo.gate.set()
    assert [intent.id for intent in await asyncio.gather(*calls)] == [f"k-{n}" for n in range(1000)]
    assert echo.peak == len(set(echo.keys)) == len(echo.keys) == 1000


async def test_the_breaker_lets_calls_wait_side_by_side() -> None:
    transport = Holding(reply(201, INTENT))
    client = client_of(transport)
    calls = [asyncio.create_task(client.create_payment_intent(ORDER)) for _ in range(100)]
    await transport.when_held(100)
    transport.gate.set()
    await asyncio.gather(*calls)
    assert transport.peak == 100


@pytest.mark.parametrize("probes", [1, 3])
async def test_a_half_open_breaker_lets_its_bound_of_probes_through(probes: int) -> None:
    transport = Holding(reply(201, INTENT))
    config = ClientConfig(api_key="sk_test_x", environment="sandbox", max_retries=0)
    client = MolamAsyncClient(config, transport=transport, cb_half_open_probes=probes)
    client.cb.half_open()
    calls = [asyncio.create_task(client.create_payment_intent(ORDER)) for _ in range(50)]
    await transport.when_held(probes)
    transport.gate.set()
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert transport.peak == probes
    assert sum(isinstance(end, CircuitOpenError) for end in ends) == 50 - probes
    assert client.cb.current_state == "closed"


async def test_outages_of_calls_side_by_side_open_the_breaker_once() -> None:
    transport = Holding(reply(503))
    client = client_of(transport)
    calls = [asyncio.create_task(client.create_payment_intent(ORDER)) for _ in range(20)]
    await transport.when_held(20)
    transport.gate.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert client.cb.current_state == "open"
    with pytest.raises(CircuitOpenError):
        await client.create_payment_intent(ORDER)


async def test_a_full_bulkhead_refuses_at_once_and_leaves_other_groups_alone() -> None:
    transport = Holding(reply(201, INTENT))
    client = client_of(transport, bulkheads={"payments": 2})
    calls = [asyncio.create_task(client.create_payment_intent(ORDER)) for _ in range(2)]
    await transport.when_held(2)
    with pytest.raises(BulkheadFullError) as caught:
        await client.create_payment_intent(ORDER)
    assert caught.value.outcome == "not_sent"
    other = asyncio.create_task(client.get("/v1/anything"))
    await transport.when_held(3)
    transport.gate.set()
    await asyncio.gather(*calls, other)


async def test_a_bulkhead_hands_a_freed_place_to_whoever_waits() -> None:
    transport = Holding(reply(201, INTENT))
    client = client_of(transport, bulkheads={"payments": 2}, bulkhead_wait=20.0)
    calls = [asyncio.create_task(client.create_payment_intent(ORDER)) for _ in range(10)]
    await transport.when_held(2)
    transport.gate.set()
    await asyncio.gather(*calls)
    assert transport.peak == 2


async def test_those_in_line_for_a_dead_server_do_not_wait_one_after_the_other() -> None:
    with HostileServer(accepting=False) as server:  # nobody will shake hands
        base_url = server.url.replace("http:", "https:")
        config = ClientConfig(api_key="sk_test_x", base_url=base_url, timeout_connect=0.5, max_retries=0)
        async with MolamAsyncClient(config, cb_fail_max=1000) as client:
            began = time.monotonic()
            ends = await asyncio.gather(
                *(client.create_payment_intent(ORDER) for _ in range(320)), return_exceptions=True
            )
            assert time.monotonic() - began < 5 * 0.5
    assert {(type(end), getattr(end, "outcome", None)) for end in ends} == {(MolamTimeoutError, "not_sent")}
