"""The one plan: plain handlers in the store's transaction, then those after it, then what is awaited."""

# ruff: noqa: PLW0108 - a lambda around a coroutine function is what is tried here

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from molam_sdk.receiver import WebhookAnswer
from molam_sdk.receiver.awaited.execution import LeftStep
from molam_sdk.store import Claim, SqliteStore
from molam_sdk.store.sql import SqlStore
from molam_sdk.webhooks import WebhookEvent
from tests.support.webhooks.deliveries import NOW, body_of, delivery_of
from tests.support.webhooks.shop import Shop, told
from tests.support.webhooks.stores import MARIADB_URL, POSTGRES_URL, rows, sql_engine, sql_table

EVENT = "payout.paid"
Deliver = Callable[[Shop], WebhookAnswer]


def blocking(shop: Shop, event_id: str = "evt_1") -> WebhookAnswer:
    return shop.receiver.receive(*delivery_of(body_of(EVENT, id=event_id), now=shop.now))


def awaited(shop: Shop, event_id: str = "evt_1") -> WebhookAnswer:
    return asyncio.run(shop.receiver.receive_async(*delivery_of(body_of(EVENT, id=event_id), now=shop.now)))


@pytest.fixture(params=[blocking, awaited])
def deliver(request: pytest.FixtureRequest) -> Deliver:
    way: Deliver = request.param
    return way


class Ran:
    """What ran of handlers of every kind that Python has for something that is to be awaited."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def coroutine(self, event: WebhookEvent) -> None:
        await asyncio.sleep(0)
        self.names.append(event.id)

    def kinds(self) -> dict[str, Any]:
        def undecorated(function: Any) -> Any:
            return lambda event: function(event)

        def decorated(function: Any) -> Any:
            @functools.wraps(function)
            def wrapper(event: WebhookEvent) -> Any:
                return function(event)

            return wrapper

        class Called:
            async def __call__(_, event: WebhookEvent) -> None:  # noqa: N805  # self is another one here
                await self.coroutine(event)

        class Awaitable:
            def __await__(_) -> Any:  # noqa: N805  # self is another one here
                self.names.append("evt_1")
                yield

        def in_a_thread(event: WebhookEvent) -> Future[None]:
            future: Future[None] = Future()
            thread = threading.Thread(target=lambda: (self.names.append(event.id), future.set_result(None)))
            thread.start()
            return future

        return {
            "a coroutine function": self.coroutine,
            "an object with an async __call__": Called(),
            "a partial of one": functools.partial(self.coroutine),
            "a partial of a partial of an object": functools.partial(functools.partial(Called())),
            "a lambda that returns a coroutine": lambda event: self.coroutine(event),
            "under a plain decorator": undecorated(self.coroutine),
            "under functools.wraps": decorated(self.coroutine),
            "what has __await__": lambda event: Awaitable(),
            "a future of a thread": in_a_thread,
        }


@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.parametrize("transactional", [False, True])
@pytest.mark.parametrize("kind", Ran().kinds())
def test_what_is_to_be_awaited_is_awaited_before_the_event_is_done(
    kind: str, transactional: bool, after_commit: bool, deliver: Deliver, tmp_path: Path
) -> None:
    shop, ran = Shop(SqliteStore(tmp_path / "events.sqlite3") if transactional else None), Ran()
    shop.receiver.on(EVENT, after_commit=after_commit)(ran.kinds()[kind])
    assert told(deliver(shop)) == (200, "handled")
    assert told(deliver(shop)) == (200, "duplicate")
    assert ran.names == ["evt_1"]


@pytest.mark.parametrize("kind", Ran().kinds())
def test_what_is_awaited_and_fails_is_a_failure(kind: str, deliver: Deliver) -> None:
    class Fails(Ran):
        async def coroutine(self, event: WebhookEvent) -> None:
            await asyncio.sleep(0)
            raise RuntimeError

    if kind in {"what has __await__", "a future of a thread"}:
        pytest.skip("does not go through the coroutine")
    shop = Shop()
    shop.receiver.on(EVENT)(Fails().kinds()[kind])
    assert told(deliver(shop)) == (500, "failed")


def generator(event: WebhookEvent) -> Iterator[None]:
    yield


async def async_generator(event: WebhookEvent) -> AsyncIterator[None]:
    yield


class CalledGenerator:
    def __call__(self, event: WebhookEvent) -> Iterator[None]:
        yield


@pytest.mark.parametrize(
    "function",
    [generator, async_generator, CalledGenerator(), functools.partial(generator)],
    ids=["function", "async function", "object", "partial"],
)
def test_a_generator_function_is_refused_at_registration(function: Any) -> None:
    with pytest.raises(TypeError, match="is a generator function: calling it would run nothing of it"):
        Shop().receiver.on(EVENT)(function)


@pytest.mark.parametrize(
    "function",
    [
        lambda event: generator(event),
        lambda event: async_generator(event),
        contextlib.contextmanager(generator),
        contextlib.asynccontextmanager(async_generator),
        lambda event: map(print, [event]),
        lambda event: filter(print, [event]),
    ],
)
def test_a_generator_that_comes_back_is_a_failure_and_never_handled(function: Any, deliver: Deliver) -> None:
    shop = Shop()
    shop.receiver.on(EVENT)(function)
    assert told(deliver(shop)) == (500, "failed")


@pytest.fixture(params=["sqlite:///{folder}/shop.sqlite3", POSTGRES_URL, MARIADB_URL], ids=["sqlite", "pg", "mariadb"])
def sql_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Shop, SqlStore, Any, str]]:
    url = request.param.format(folder=tmp_path)
    with sql_engine(url) as engine, sql_table(engine, "molam_test") as events, sql_table(engine, "orders") as orders:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE TABLE {orders} (id VARCHAR(20))"))
        store = SqlStore(engine, table=events, clock="caller")
        yield Shop(store), store, engine, orders


def test_a_coroutine_handler_takes_no_transaction_from_the_plain_ones(
    sql_shop: tuple[Shop, SqlStore, Any, str], deliver: Deliver
) -> None:
    shop, store, engine, orders = sql_shop
    ran: list[str] = []
    fails = {"plain": True, "coroutine": True}

    @shop.receiver.on(EVENT)
    async def mail(event: WebhookEvent) -> None:
        ran.append("mail")
        if fails["coroutine"]:
            raise RuntimeError

    @shop.receiver.on(EVENT)
    def ship(event: WebhookEvent) -> None:
        ran.append("ship")
        store.connection.execute(text(f"INSERT INTO {orders} VALUES ('{event.id}')"))

    @shop.receiver.on(EVENT)
    def book(event: WebhookEvent) -> None:
        ran.append("book")
        if fails["plain"]:
            raise RuntimeError

    @shop.receiver.on(EVENT, after_commit=True)
    def queue(event: WebhookEvent) -> None:
        ran.append("queue")

    count = f"SELECT count(*) FROM {orders}"
    assert told(deliver(shop)) == (500, "failed")
    assert (ran, rows(engine, count)) == (["ship", "book"], [(0,)])
    ran.clear()
    fails["plain"] = False
    assert told(deliver(shop)) == (500, "failed")
    assert (ran, rows(engine, count)) == (["ship", "book", "queue", "mail"], [(1,)])
    ran.clear()
    fails["coroutine"] = False
    assert told(deliver(shop)) == (200, "handled")
    assert (ran, rows(engine, count)) == (["mail"], [(1,)])
    assert told(deliver(shop)) == (200, "duplicate")


class CommitFailsOnce(SqliteStore):
    """The connection breaks when the handlers are through, before anything is committed."""

    fails = True

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            yield
            if self.fails:
                self.fails = False
                raise OSError("no commit")


def test_a_commit_that_fails_leaves_no_handler_noted_as_finished(deliver: Deliver, tmp_path: Path) -> None:
    shop, ran = Shop(CommitFailsOnce(tmp_path / "shop.sqlite3")), []
    shop.receiver.on(EVENT)(lambda event: ran.append("ship"))

    @shop.receiver.on(EVENT)
    async def mail(event: WebhookEvent) -> None:
        ran.append("mail")

    assert told(deliver(shop)) == (500, "failed")
    assert told(deliver(shop)) == (200, "handled")
    assert ran == ["ship", "ship", "mail"]


def test_a_worker_that_lost_its_lease_in_a_plain_handler_runs_nothing_after_it(
    sql_shop: tuple[Shop, SqlStore, Any, str], deliver: Deliver
) -> None:
    shop, store, engine, orders = sql_shop
    ran: list[str] = []

    @shop.receiver.on(EVENT)
    def slow(event: WebhookEvent) -> None:
        shop.now += 61
        thread = threading.Thread(target=take_over)
        thread.start()
        thread.join()
        store.connection.execute(text(f"INSERT INTO {orders} VALUES ('{event.id}')"))

    @shop.receiver.on(EVENT)
    async def mail(event: WebhookEvent) -> None:
        ran.append("mail")

    def take_over() -> None:
        assert store.claim(Claim("evt_1", EVENT, "faster"), shop.now, shop.now + 60).decision == "run"

    assert told(deliver(shop)) == (409, "lost")
    assert (ran, rows(engine, f"SELECT count(*) FROM {orders}")) == ([], [(0,)])


def test_a_broker_that_is_down_loses_no_effect_after_the_commit(deliver: Deliver, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "shop.sqlite3")
    shop = Shop(store)
    with store.transaction():
        store.connection.execute("CREATE TABLE orders (id TEXT)")
    queued: list[str] = []
    down = True

    @shop.receiver.on(EVENT)
    def ship(event: WebhookEvent) -> None:
        store.connection.execute("INSERT INTO orders VALUES (?)", (event.id,))

    @shop.receiver.on(EVENT, after_commit=True)
    def queue(event: WebhookEvent) -> None:
        with store.transaction():  # committed by now, so that a worker of the queue finds it
            assert store.connection.execute("SELECT id FROM orders").fetchall() == [("evt_1",)]
        if down:
            raise ConnectionError("the broker is down")
        queued.append(event.id)

    assert told(deliver(shop)) == (500, "failed")
    down = False
    assert told(deliver(shop)) == (200, "handled")
    assert queued == ["evt_1"]


async def test_a_cancelled_delivery_keeps_its_lease_while_a_plain_handler_still_runs() -> None:
    shop, effects = Shop(), []
    begun, go, ended = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @shop.receiver.on(EVENT)
    def ship(event: WebhookEvent) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(20)
        effects.append("ship")

    @shop.receiver.on(EVENT)
    async def mail(event: WebhookEvent) -> None:
        effects.append("mail")

    delivery = asyncio.ensure_future(shop.receiver.receive_async(*delivery_of(body_of(EVENT))))
    await begun.wait()
    delivery.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivery
    assert told(await shop.receiver.receive_async(*delivery_of(body_of(EVENT)))) == (409, "busy")
    renew = shop.store.renew

    def told_of_the_end(*given: Any) -> bool:
        try:
            return renew(*given)
        finally:
            if given[1] == 0.0:
                ended.set()

    shop.store.renew = told_of_the_end  # type: ignore[method-assign]  # to hear when the thread has given it back
    go.set()
    assert await asyncio.to_thread(ended.wait, 20)
    assert told(await shop.receiver.receive_async(*delivery_of(body_of(EVENT)))) == (200, "handled")
    assert effects == ["ship", "mail"]


async def test_a_cancelled_delivery_of_plain_handlers_alone_ends_in_its_thread() -> None:
    shop, effects = Shop(), []
    begun, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @shop.receiver.on(EVENT)
    def ship(event: WebhookEvent) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(20)
        effects.append("ship")

    delivery = asyncio.ensure_future(shop.receiver.receive_async(*delivery_of(body_of(EVENT))))
    await begun.wait()
    delivery.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivery
    go.set()
    await asyncio.to_thread(shop.receiver.close)
    assert effects == ["ship"]
    assert shop.store.claim(Claim("evt_1", EVENT, "next"), NOW, NOW + 60).decision == "duplicate"


async def test_a_delivery_that_is_cancelled_before_it_has_a_thread_claims_nothing() -> None:
    shop = Shop(workers=1)
    begun, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @shop.receiver.on(EVENT)
    def ship(event: WebhookEvent) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(20)

    first = asyncio.ensure_future(shop.receiver.receive_async(*delivery_of(body_of(EVENT))))
    await begun.wait()
    second = asyncio.ensure_future(shop.receiver.receive_async(*delivery_of(body_of(EVENT, id="evt_2"))))
    for _ in range(5):
        await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert shop.store.claim(Claim("evt_2", EVENT, "next"), NOW, NOW + 60).decision == "run"
    go.set()
    assert told(await first) == (200, "handled")


async def test_handlers_that_take_long_keep_the_mark_of_another_event_not_waiting() -> None:
    shop = Shop(workers=1)
    begun, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @shop.receiver.on(EVENT)
    def slow(event: WebhookEvent) -> None:
        if event.id == "evt_slow":
            loop.call_soon_threadsafe(begun.set)
            assert go.wait(20)

    @shop.receiver.on("payment.succeeded")
    async def mail(event: WebhookEvent) -> None:
        nonlocal slow_one
        slow_one = asyncio.ensure_future(shop.receiver.receive_async(*delivery_of(body_of(EVENT, id="evt_slow"))))
        await begun.wait()

    slow_one: Any = None
    assert told(await shop.receiver.receive_async(*delivery_of(body_of()))) == (200, "handled")
    go.set()
    assert told(await slow_one) == (200, "handled")


async def test_an_event_of_coroutine_functions_alone_waits_for_no_plain_handler() -> None:
    shop = Shop(workers=1)
    begun, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @shop.receiver.on(EVENT)
    def slow(event: WebhookEvent) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(20)

    @shop.receiver.on("payment.succeeded")
    async def mail(event: WebhookEvent) -> None: ...

    slow_one = asyncio.ensure_future(shop.receiver.receive_async(*delivery_of(body_of(EVENT, id="evt_slow"))))
    await begun.wait()
    assert told(await shop.receiver.receive_async(*delivery_of(body_of()))) == (200, "handled")
    go.set()
    assert told(await slow_one) == (200, "handled")


def test_a_handler_that_takes_most_of_its_lease_is_warned_of(
    deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop(lease_seconds=60)

    def takes(seconds: float) -> Any:
        async def mail(event: WebhookEvent) -> None:
            shop.now += seconds

        def ship(event: WebhookEvent) -> None:
            shop.now += seconds

        return ship, mail

    for seconds in (47.9, 48.1):
        for handler in takes(seconds):
            shop.receiver.on(EVENT)(handler)
    assert told(deliver(shop)) == (200, "handled")
    warned = [vars(record) for record in caplog.records if record.levelno == logging.WARNING]
    assert [record["msg"] for record in warned] == ["webhook took most of its lease %s"] * 2
    assert [record["seconds"] for record in warned] == [48.1, 48.1]
    assert "ship" in warned[0]["handler"]
    assert "mail" in warned[1]["handler"]
    assert (warned[0]["event_id"], warned[0]["lease_seconds"]) == ("evt_1", 60)


def test_a_step_that_was_left_before_it_began_never_begins() -> None:
    """Whatever runs it: not every pool lets a function be taken back."""
    ran: list[str] = []
    step = LeftStep(ran.append, ("ran",))
    assert not step.leave(lambda: ran.append("afterwards"))
    assert step() is None
    assert ran == []
