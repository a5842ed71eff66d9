"""A call given up at any line by what waits for it, a group, a gathering or a time limit, leaks nothing."""

from __future__ import annotations

import asyncio
import gc
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamAsyncClient
from tests.support.http_server import ORDER, HostileServer, Serve
from tests.support.tearing import lines, tearing

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_environment")]

Call = Callable[[], Awaitable[Any]]
Arm = Callable[[Callable[[], object]], None]


class GivenUp(Exception):  # noqa: N818
    """What the sibling of a call fails with."""


async def in_a_group(call: Call, arm: Arm) -> None:
    """A sibling fails at that line, and the group cancels the call."""
    failing = asyncio.Event()

    async def sibling() -> None:
        await failing.wait()
        raise GivenUp

    async def main() -> None:
        await call()

    try:
        async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined,unused-ignore]  # Python 3.11
            group.create_task(sibling())
            await asyncio.sleep(0)
            arm(failing.set)
            group.create_task(main()).add_done_callback(lambda _: failing.set())
    except BaseException as ended:
        if type(ended).__name__ != "ExceptionGroup":
            raise


async def gathered(call: Call, arm: Arm) -> None:
    """The gathering is cancelled at that line."""

    gathering = asyncio.gather(call(), asyncio.sleep(0), return_exceptions=True)
    arm(gathering.cancel)
    with suppress(asyncio.CancelledError):
        await gathering


async def within_a_timeout(call: Call, arm: Arm) -> None:
    """Time is up at that line."""
    with suppress(TimeoutError):
        async with asyncio.timeout(60) as scope:  # type: ignore[attr-defined,unused-ignore]  # Python 3.11
            arm(lambda: scope.reschedule(0.0))
            await call()
            await asyncio.sleep(0)


async def waited_for(call: Call, arm: Arm) -> None:
    """The task that waits by ``wait_for`` is cancelled at that line."""
    task = asyncio.ensure_future(asyncio.wait_for(call(), 60))
    arm(task.cancel)
    with suppress(asyncio.CancelledError):
        await task


WAYS = {"TaskGroup": in_a_group, "gather": gathered, "asyncio.timeout": within_a_timeout, "wait_for": waited_for}


@pytest.fixture
def server(serve: Serve) -> HostileServer:
    """Answers at once."""
    return serve()


@pytest.fixture(autouse=True)
def little_to_collect() -> Iterator[None]:
    """What stands already is not looked at by the garbage collector, so that it can be called for every line."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_given_up_at_any_line_is_in_doubt_or_done(
    server: HostileServer, way: str, request: pytest.FixtureRequest
) -> None:
    if not hasattr(asyncio, way.removeprefix("asyncio.")):
        pytest.skip(f"{way} came with Python 3.11")
    registry = CollectorRegistry()
    config = ClientConfig(api_key="sk_test_x", base_url=server.url, bulkheads={"payments": 1}, max_retries=0)
    async with MolamAsyncClient(config, registry=registry, cb_half_open_probes=1) as client:
        given_up, known = 0, set[str | None]()
        for line in lines(zlib.crc32(request.node.name.encode())):
            key, done = f"order-{line}", list[str]()
            if client.cb.current_state != "half-open":
                client.cb.half_open()

            async def call(key: str = key, done: list[str] = done) -> None:
                done.append((await client.create_payment_intent(ORDER, idempotency_key=key)).id)

            where = await _given_up(way, call, line)
            if not where:
                known.add(key)
                break
            given_up += not done
            gc.collect()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            state = client._state
            assert registry.get_sample_value("molam_sdk_calls_in_flight", {"group": "payments"}) == 0, where
            assert len(client._breaker._now[1]._probes) == state.bulkheads._semaphores["payments"].taken == 0, where
            pools = [route.pool for route in state.transport._routes.values()]  # type: ignore[attr-defined]
            assert [(len(pool), pool._opening.taken) for pool in pools] == [(len(pool.standing), 0) for pool in pools]
            for doubt in client.in_doubt():
                assert (doubt.idempotency_key, done) == (key, []), where
                assert (await client.resolve(doubt)).id == "pi_1"
                done.append("resolved")
            known |= {key} if done else set()
        assert given_up > 3
    assert {seen.key for seen in server.requests} == known


async def _given_up(way: str, call: Call, line: int) -> str:
    """Where the line is at which the call was given up; "" once it has fewer."""
    give_up: list[Callable[[], object]] = []
    with tearing(line, lambda _where: give_up[0]()) as at:
        await WAYS[way](call, give_up.append)
    return at.where
