"""One client, one event loop, one process: said clearly where it is not so, and working where it may."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from molam_sdk import ClientClosedError, ClientConfig, ConfigurationError, MolamAsyncClient
from tests.support.http_server import INTENT, ORDER, HostileServer, answer, then_hang


def config_of(server: HostileServer, **settings: Any) -> ClientConfig:
    return ClientConfig(api_key="sk_test_x", base_url=server.url, retry_backoff_factor=0.0, **settings)


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own that shows every warning, those at its end too."""
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", code, *arguments], capture_output=True, text=True, timeout=60
    )


def test_a_client_used_on_another_event_loop_says_so() -> None:
    with HostileServer() as server:
        client = MolamAsyncClient(config_of(server))
        first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
        try:
            assert first.run_until_complete(client.create_payment_intent(ORDER)).id == "pi_1"
            with pytest.raises(ConfigurationError, match="another event loop, which still runs") as caught:
                second.run_until_complete(client.create_payment_intent(ORDER))
            assert caught.value.outcome == "not_sent"
            first.run_until_complete(client.close())
            first.close()
            assert len(server.requests) == 1
        finally:
            first.close()
            second.close()


def test_a_client_made_before_any_loop_runs_serves_the_first_one() -> None:
    with HostileServer() as server:
        client = MolamAsyncClient(config_of(server))

        async def use() -> str:
            async with client:
                return (await client.create_payment_intent(ORDER)).id

        assert asyncio.run(use()) == "pi_1"


def test_a_client_of_a_loop_that_has_ended_says_so() -> None:
    with HostileServer() as server:
        client = MolamAsyncClient(config_of(server))

        async def use() -> None:
            await client.create_payment_intent(ORDER)
            await client._state.transport.close()  # no socket may outlive the loop, or the test would warn

        asyncio.run(use())
        with pytest.raises(ConfigurationError, match="which has ended"):
            asyncio.run(client.retrieve_payment_intent("pi_1"))


async def test_a_closed_client_says_so_and_closes_twice(client: MolamAsyncClient) -> None:
    await client.close()
    await client.close()
    with pytest.raises(ClientClosedError):
        await client.create_payment_intent(ORDER)


async def test_closing_lets_calls_in_flight_end(client: MolamAsyncClient, echo: Any) -> None:
    echo.gate.clear()
    call = asyncio.create_task(client.create_payment_intent(ORDER, idempotency_key="last"))
    await echo.arrived.wait()
    await client.close()
    echo.gate.set()
    assert (await call).id == "last"


FORKED = """
import asyncio, gc, os, sys, warnings
warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)  # by Python 3.12 and newer, of any thread there is
from molam_sdk import ClientConfig, ConfigurationError, MolamAsyncClient

ORDER = {"amount": 5, "currency": "USD"}

def in_child(work):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = work()
        finally:
            gc.collect()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def use(client):
    async def call():
        async with client:
            return (await client.create_payment_intent(ORDER)).id
    return 0 if asyncio.run(call()) == "pi_1" else 2

def refused(client):
    async def call():
        try:
            await client.create_payment_intent(ORDER)
        except ConfigurationError as error:
            return 0 if "forked" in str(error) and error.outcome == "not_sent" else 3
    asyncio.set_event_loop(None)
    asyncio.events._set_running_loop(None)
    return asyncio.run(call())

made_early = MolamAsyncClient(ClientConfig(api_key="sk_test_x", base_url=sys.argv[1]))
assert in_child(lambda: use(made_early)) == 0, "made before the fork, first used after it"

async def main():
    async with MolamAsyncClient(ClientConfig(api_key="sk_test_x", base_url=sys.argv[1])) as client:
        await client.create_payment_intent(ORDER)
        assert in_child(lambda: refused(client)) == 0, "used before the fork"
        assert (await client.create_payment_intent(ORDER)).id == "pi_1", "the parent goes on"

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork on Windows")
def test_a_fork_before_the_first_call_works_and_after_it_is_explained() -> None:
    with HostileServer() as server:
        done = run_python(FORKED, server.url)
        assert (done.returncode, done.stderr) == (0, "")
        assert server.connections == 2  # the child's, and the parent's one: the child did not touch it


TIDY = """
import asyncio, sys
from molam_sdk import ClientConfig, MolamAsyncClient

async def main():
    config = ClientConfig(api_key="sk_test_x", base_url=sys.argv[1], ca_bundle=sys.argv[2] or None)
    client = MolamAsyncClient(config)
    await asyncio.gather(*(client.create_payment_intent({"amount": 5, "currency": "USD"}) for _ in range(5)))
    if sys.argv[3] == "close":
        await client.close()

asyncio.run(main())
"""


def test_a_closed_client_leaves_no_noise(tls: Any) -> None:
    context, ca_file = tls
    for options, ca in (({}, ""), ({"tls": context}, ca_file)):
        with HostileServer(**options) as server:
            done = run_python(TIDY, server.url, ca, "close")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_client_left_open_is_warned_of_by_its_own_name() -> None:
    with HostileServer() as server:
        done = run_python(TIDY, server.url, "", "leave")
    assert "ResourceWarning: a MolamAsyncClient was not closed: use `async with" in done.stderr
    assert done.stderr.lower().count("unclosed") == 0  # the event loop's words for it, which name nothing of ours


def test_the_asyncio_client_needs_no_extra() -> None:
    code = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "import asyncio\n"
        "from molam_sdk import ClientConfig, MolamAsyncClient\n"
        "async def main():\n"
        "    config = ClientConfig(api_key='sk_test_x', base_url=sys.argv[1])\n"
        "    async with MolamAsyncClient(config) as client:\n"
        "        print((await client.create_payment_intent({'amount': 5, 'currency': 'USD'})).id)\n"
        "asyncio.run(main())\n"
    )
    with HostileServer() as server:
        assert run_python(code, server.url).stdout == "pi_1\n"


def _uvloop() -> asyncio.AbstractEventLoop:
    return pytest.importorskip("uvloop", reason="uvloop is not for Windows").new_event_loop()  # type: ignore[no-any-return]  # the module is untyped here


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, _uvloop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_every_event_loop_carries_a_call_to_its_end(
    new_loop: Callable[[], asyncio.AbstractEventLoop], secure: bool, tls: Any
) -> None:
    context, ca_file = tls

    async def use(server: HostileServer) -> list[str]:
        async with MolamAsyncClient(config_of(server, ca_bundle=ca_file, timeout_read=0.2, max_retries=0)) as client:
            with pytest.raises(TimeoutError):
                await client.create_payment_intent(ORDER)
            intents = await asyncio.gather(*(client.create_payment_intent(ORDER) for _ in range(20)))
            again = [await client.create_payment_intent(ORDER) for _ in range(5)]
            return [intent.id for intent in [*intents, *again]]

    loop = new_loop()
    try:
        with HostileServer([then_hang()], tls=context if secure else None) as server:
            assert loop.run_until_complete(use(server)) == ["pi_1"] * 25
            assert server.connections <= 21
    finally:
        loop.close()


def test_anyio_scopes_cancel_a_call_and_its_fate_can_be_asked_for() -> None:
    async def use(server: HostileServer) -> None:
        async with MolamAsyncClient(config_of(server)) as client:
            with anyio.move_on_after(0.1) as scope:
                await client.create_payment_intent(ORDER, idempotency_key="order-7")
            assert scope.cancelled_caught
            assert (await client.create_payment_intent(ORDER, idempotency_key="order-7")).id == "pi_1"
            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(client.retrieve_payment_intent, "pi_1")

    with HostileServer([then_hang()], usual=answer(200, INTENT)) as server:
        anyio.run(use, server, backend="asyncio")
        assert [seen.key for seen in server.requests[:2]] == ["order-7", "order-7"]
        assert len(server.requests) == 12
