"""A journal in the database of an AsyncEngine: kept on the event loop, true whenever a call is cancelled."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import create_async_engine

from molam_sdk import ClientConfig, ConfigurationError, MolamAsyncClient, MolamSyncClient
from molam_sdk._greenlets import run_step
from molam_sdk.journal import Entry
from molam_sdk.webhooks import PaymentEvent
from tests.support.cancelling import Countdown, Counted, every_task_counted
from tests.support.http_server import ORDER, HostileServer, created
from tests.support.journals import a_database
from tests.support.webhooks.async_stores import ASYNC_URLS, async_engine, async_sql_store
from tests.support.webhooks.deliveries import body_of, delivery_of
from tests.support.webhooks.shop import Shop, told
from tests.support.webhooks.stores import MARIADB_URL, POSTGRES_URL


@contextmanager
def place(kind: str, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The URL of an empty database, or of a schema, and what its driver wants to know beside it."""
    if kind == "aiosqlite":
        yield ASYNC_URLS[kind].format(folder=folder), {}
        return
    with a_database(MARIADB_URL if kind == "asyncmy" else POSTGRES_URL) as url:
        name = url.rpartition("=" if kind != "asyncmy" else "/")[2]
        if kind == "asyncmy":
            yield f"{ASYNC_URLS[kind].rpartition('/')[0]}/{name}", {}
        elif kind == "asyncpg":
            yield ASYNC_URLS[kind], {"connect_args": {"server_settings": {"search_path": name}}}
        else:
            yield url, {}


@asynccontextmanager
async def paying(kind: str, folder: Path, server: HostileServer) -> AsyncIterator[MolamAsyncClient]:
    """A client whose journal is new and gone afterwards."""
    with place(kind, folder) as (url, options):
        async with async_engine(url, **options) as engine:
            settings = ClientConfig(api_key="sk_test_x", base_url=server.url, max_retries=0)
            async with MolamAsyncClient(settings, journal=engine) as client:
                yield client


@pytest.mark.parametrize("kind", ASYNC_URLS)
async def test_what_was_done_is_given_again_and_what_is_open_is_recovered(kind: str, tmp_path: Path) -> None:
    key = "order-7"
    with HostileServer(usual=created()) as server:
        async with paying(kind, tmp_path, server) as client:
            assert not (await client.create_payment_intent(ORDER, idempotency_key=key)).replayed
            assert (await client.create_payment_intent(ORDER, idempotency_key=key)).replayed
            entry = await client.journal.get(key)
            assert entry is not None
            assert (entry.state, entry.lease_left) == ("done", 0.0)
            assert [other async for other in client.journal.list(open=True) if other.key == key] == []
        assert len(server.requests) == 1


def check(server: HostileServer, key: str, entry: Entry | None) -> None:
    """What was sent is open or done, nothing else is, and nobody waits for a lease."""
    sent = [request for request in server.requests if request.key == key]
    if sent:
        assert entry is not None
        assert entry.state in ("open", "done")
        assert entry.outcome in (None, "unknown", "accepted")
    assert entry is None or entry.lease_left == 0.0
    assert entry is None or entry.state != "done" or sent


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "whom"), [("aiosqlite", "the caller"), ("asyncpg", "the caller"), ("asyncpg", "everybody")]
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_call_cancelled_at_any_await_leaves_a_true_journal(kind: str, whom: str, tmp_path: Path) -> None:
    with HostileServer(usual=created()) as server:
        async with paying(kind, tmp_path, server) as client:
            await client.create_payment_intent(ORDER, idempotency_key="order-0")
            cancelled = 0
            for number in count(1):
                key = f"order-{number}"
                call = client.create_payment_intent(ORDER, idempotency_key=key)
                ended, reached = await _cancelled_at(number, call, whom)
                check(server, key, await client.journal.get(key))
                cancelled += ended
                if not reached:
                    break
            assert cancelled >= 3
            assert {entry.state async for entry in client.recover(per_second=1000)} <= {"done"}
        gc.collect()  # of what SQLAlchemy left of connections that were torn


async def _cancelled_at(number: int, call: Any, whom: str) -> tuple[bool, bool]:
    """Whether the call was cancelled, and whether it came to its n-th await at all."""
    running: asyncio.Task[bool]
    if whom == "the caller":
        countdown = Countdown(number, lambda: running.cancel())  # noqa: PLW0108 - it is not there yet
        running = asyncio.create_task(_is_cancelled(Counted(call, countdown)))
        return await running, countdown.reached
    here = asyncio.current_task()
    others = Countdown(number, lambda: [task.cancel() for task in asyncio.all_tasks() if task is not here])
    with every_task_counted(others):
        return await asyncio.create_task(_is_cancelled(call)), others.reached


async def _is_cancelled(call: Any) -> bool:
    try:
        await call
    except asyncio.CancelledError:
        return True
    return False


async def test_the_store_of_the_receiver_is_a_journal_which_hears_of_events(tmp_path: Path) -> None:
    with HostileServer(usual=created()) as server:
        async with async_sql_store("aiosqlite", tmp_path) as store:
            settings = ClientConfig(api_key="sk_test_x", base_url=server.url, max_retries=0)
            async with MolamAsyncClient(settings, journal=store) as client:
                await client.create_payment_intent(ORDER, idempotency_key="order-7")
                shop, seen = Shop(store), list[str]()

                @shop.receiver.on("payment.succeeded")
                async def ship(event: PaymentEvent) -> None:
                    await store.connection()
                    seen.append(event.id)

                answer = await shop.receiver.receive_async(*delivery_of(body_of(id="evt_1"), now=shop.now))
                assert told(answer) == (200, "handled")
                assert seen == ["evt_1"]
                assert await shop.receiver.close_async()


def test_a_blocking_client_refuses_it_with_what_to_give_instead(tmp_path: Path) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/molam.db")
    with pytest.raises(ConfigurationError, match="create_engine"):
        MolamSyncClient(ClientConfig(api_key="sk_live_x"), journal=engine)


async def test_a_journal_in_memory_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="would forget"):
        MolamAsyncClient(ClientConfig(api_key="sk_live_x"), journal=create_async_engine("sqlite+aiosqlite://"))


async def test_no_more_than_the_database_is_waited_for_in_a_step(tmp_path: Path) -> None:
    """The table is made by the first call, not when the client is made: nothing blocks there."""
    path = tmp_path / "molam.db"
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    client = MolamAsyncClient(ClientConfig(api_key="sk_live_x"), journal=engine)
    assert not path.exists()
    assert await client.journal.get("order-7") is None
    assert path.exists()
    await client.close()
    await engine.dispose()


def test_steps_outside_of_an_event_loop_say_so(tmp_path: Path) -> None:
    from molam_sdk.store.database.async_alchemy import AsyncAlchemyDatabase

    database = AsyncAlchemyDatabase(create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/molam.db"))
    with pytest.raises(Exception, match="greenlet_spawn has not been called"):
        database.execute("SELECT 1")
    assert asyncio.run(_one(database)) == 1


async def _one(database: Any) -> int:
    found = await run_step(database.execute, "SELECT 1")
    await database.async_engine.dispose()
    return int(found.rows[0][0])


@pytest.mark.parametrize("kind", ASYNC_URLS)
async def test_a_scrape_tells_how_it_stands(kind: str, tmp_path: Path) -> None:
    """On the loop that the journal is asked on, which must not be held up: the next scrape shows what this one asks."""
    registry = CollectorRegistry()
    with HostileServer(usual=created()) as server, place(kind, tmp_path) as (url, options):
        async with async_engine(url, **options) as engine:
            settings = ClientConfig(api_key="sk_test_x", base_url=server.url, max_retries=0)
            async with MolamAsyncClient(settings, journal=engine, registry=registry) as client:
                assert _in_doubt(registry) is None
                async with client.undo():  # an entry without an end, as long as the block runs
                    await asyncio.wait_for(_shown(registry, "running", 1), 60)
                    assert registry.get_sample_value("molam_sdk_journal_readable") == 1
                    assert registry.get_sample_value("molam_sdk_outbox_operations", {"state": "waiting"}) == 0


async def _shown(registry: CollectorRegistry, state: str, count: float) -> None:
    while _in_doubt(registry, state) != count:  # noqa: ASYNC110  # as Prometheus does
        await asyncio.sleep(0.02)


def _in_doubt(registry: CollectorRegistry, state: str = "in_doubt") -> float | None:
    return registry.get_sample_value("molam_sdk_journal_entries", {"state": state})
