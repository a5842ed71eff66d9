"""Events that are stored, answered at once, and run later by any number of workers."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store import MemoryStore, SqliteStore
from molam_sdk.store.inbox import InboxEvent
from molam_sdk.webhooks import PaymentEvent, WebhookEvent
from tests.support.tally import Tally
from tests.support.webhooks.deliveries import NOW, SECRETS, body_of, delivery_of
from tests.support.webhooks.shop import Shop, told


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "shop.sqlite3")
    yield store
    store.close()


@pytest.fixture
def shop(store: SqliteStore) -> Shop:
    """A shop that stores ``payment.succeeded`` for later."""
    shop = Shop(store, process="later", max_attempts=3)
    shop.receiver.on("payment.succeeded")(shop.fulfil)
    return shop


def run(shop: Shop) -> int:
    return shop.receiver.worker().run_until_empty()


def stored(shop: Shop, event_id: str = "evt_1") -> InboxEvent:
    store: Any = shop.store
    event: InboxEvent = store.inbox.show(event_id)
    return event


def test_a_delivery_is_answered_before_anything_runs_and_run_once(shop: Shop) -> None:
    assert told(shop.deliver()) == (200, "stored")
    assert shop.seen == []
    assert told(shop.deliver()) == (200, "duplicate")
    assert run(shop) == 1
    assert shop.seen == ["evt_1"]
    assert run(shop) == 0
    assert told(shop.deliver()) == (200, "duplicate")
    assert stored(shop).state == "done"


async def test_a_delivery_that_is_awaited_is_stored_too(shop: Shop) -> None:
    answer = await shop.receiver.receive_async(*delivery_of(body_of()))
    assert told(answer) == (200, "stored")
    assert run(shop) == 1
    assert shop.seen == ["evt_1"]
    shop.receiver.close()


def test_what_nobody_wants_and_what_is_forged_is_not_stored(shop: Shop) -> None:
    assert told(shop.deliver("evt_2", "payout.paid")) == (200, "ignored")
    headers, body = delivery_of(body_of())
    assert told(shop.receiver.receive(headers, body.replace(b"evt_1", b"evt_9"))) == (400, "invalid")
    store: Any = shop.store
    assert list(store.inbox.list()) == []


def test_the_event_that_is_run_is_the_one_that_was_sent(shop: Shop) -> None:
    seen: list[WebhookEvent] = []

    @shop.receiver.on("payment.succeeded")
    def look(event: PaymentEvent) -> None:
        seen.append(event)

    shop.deliver(data={"id": "pi_7", "status": "succeeded", "amount": 100.5, "currency": "USD", "é": "\ud83d"})
    run(shop)
    [event] = seen
    assert isinstance(event, PaymentEvent)
    assert (str(event.data.amount), event.object_id) == ("100.5", "pi_7")


def test_what_fails_is_tried_again_later_and_later_and_given_up_with_its_traceback(shop: Shop) -> None:
    shop.failures = 99
    shop.deliver()
    dues = []
    for attempt in (1, 2):
        assert run(shop) == 1
        event = stored(shop)
        assert (event.state, event.attempts) == ("failed", attempt)
        assert event.due is not None
        dues.append(event.due - shop.now)
        assert run(shop) == 0
        shop.now = event.due
    assert 4 <= dues[0] <= 6
    assert 8 <= dues[1] <= 12
    assert run(shop) == 1
    dead = stored(shop)
    assert (dead.state, dead.attempts, dead.due) == ("dead", 3, None)
    assert "RuntimeError: the shop's database is away" in (dead.last_error or "")
    assert "Traceback" in (dead.last_error or "")
    shop.now += 1e6
    assert run(shop) == 0


def test_a_dead_event_that_is_retried_has_all_its_attempts_before_it(shop: Shop) -> None:
    shop.failures = 3
    shop.deliver()
    for _ in range(3):
        run(shop)
        shop.now += 1000
    store: Any = shop.store
    assert stored(shop).state == "dead"
    store.inbox.retry("evt_1")
    assert run(shop) == 1
    assert shop.seen == ["evt_1"]


def test_what_a_handler_wrote_goes_with_its_failure_and_comes_once(shop: Shop, store: SqliteStore) -> None:
    fails = [True, False]
    with store.transaction():
        store.connection.execute("CREATE TABLE orders (id TEXT)")

    @shop.receiver.on("payment.succeeded")
    def write(event: PaymentEvent) -> None:
        store.connection.execute("INSERT INTO orders VALUES (?)", (event.id,))
        if fails.pop(0):
            raise RuntimeError

    shop.deliver()
    run(shop)
    assert store.database.execute("SELECT count(*) FROM orders").rows == [(0,)]
    shop.now += 1000
    run(shop)
    assert store.database.execute("SELECT id FROM orders").rows == [("evt_1",)]
    assert shop.seen == ["evt_1", "evt_1"]


def test_coroutine_functions_run_and_are_not_repeated_when_another_fails(shop: Shop) -> None:
    ran = []

    @shop.receiver.on("payment.succeeded")
    async def tell(event: PaymentEvent) -> None:
        ran.append("told")

    @shop.receiver.on("payment.succeeded")
    async def fail(event: PaymentEvent) -> None:
        ran.append("failed")
        if ran.count("failed") == 1:
            raise RuntimeError

    shop.deliver()
    run(shop)
    shop.now += 1000
    run(shop)
    assert ran == ["told", "failed", "failed"]
    assert shop.seen == ["evt_1"]
    assert stored(shop).state == "done"


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_a_handler_raises_the_event_is_settled(shop: Shop, raised: type[BaseException]) -> None:
    @shop.receiver.on("payment.succeeded")
    def leave(event: PaymentEvent) -> None:
        raise raised

    shop.deliver()
    with pytest.raises(raised):
        run(shop)
    assert stored(shop).state == "failed"
    assert raised.__name__ in (stored(shop).last_error or "")


def test_an_event_that_kills_its_workers_is_given_up_too(shop: Shop, store: SqliteStore) -> None:
    shop.deliver()
    for _ in range(3):
        assert store.inbox.take("worker that dies", shop.now, 60) is not None
        shop.now += 61
    assert run(shop) == 1
    assert shop.seen == []
    assert stored(shop).state == "dead"
    assert "a worker ended in the middle of each try" in (stored(shop).last_error or "")


def test_an_event_that_nobody_here_registered_for_is_kept(shop: Shop, store: SqliteStore) -> None:
    shop.deliver()
    elsewhere = Shop(store, process="later")
    assert run(elsewhere) == 1
    assert stored(shop).state == "failed"
    assert "Nobody registered for payment.succeeded in this worker" in (stored(shop).last_error or "")


def test_a_worker_that_outlives_its_lease_settles_nothing(shop: Shop, store: SqliteStore) -> None:
    @shop.receiver.on("payment.succeeded")
    def slow(event: PaymentEvent) -> None:
        shop.now += 61
        other = threading.Thread(target=store.inbox.take, args=("faster", shop.now, 60))
        other.start()
        other.join()

    shop.deliver()
    assert run(shop) == 1
    event = stored(shop)
    assert (event.state, event.attempts, event.due) == ("received", 2, shop.now + 60)


def test_events_of_an_object_are_run_in_the_order_in_which_they_were_created(store: SqliteStore) -> None:
    shop = Shop(store, process="later", in_order=True)
    shop.receiver.on("payment.*")(shop.fulfil)
    for event_id, created in (("evt_3", NOW + 2), ("evt_1", NOW), ("evt_2", NOW + 1)):
        shop.deliver(event_id, "payment.succeeded", created=int(created))
    shop.failures = 1
    assert run(shop) == 1
    assert shop.seen == []
    shop.now += 10
    assert run(shop) == 3
    assert shop.seen == ["evt_1", "evt_2", "evt_3"]


def test_an_older_event_that_comes_after_a_newer_one_was_handled_says_that_it_is_late(store: SqliteStore) -> None:
    shop = Shop(store, process="later", in_order=True)
    late = []

    @shop.receiver.on("payment.*")
    def look(event: WebhookEvent) -> None:
        late.append((event.id, event.late))

    shop.deliver("evt_2", "payment.succeeded", created=int(NOW + 1))
    run(shop)
    shop.deliver("evt_1", "payment.created", created=int(NOW))
    run(shop)
    assert late == [("evt_2", False), ("evt_1", True)]


def test_the_mark_is_made_later_where_the_store_was_away_for_it(
    shop: Shop, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = iter([True, True])
    done = SqliteStore.done

    def done_or_away(self: SqliteStore, *args: Any) -> bool:
        if next(away, False):
            raise sqlite3.OperationalError("disk I/O error")
        return done(self, *args)

    @shop.receiver.on("payment.succeeded")
    async def tell(event: PaymentEvent) -> None:
        """What is awaited runs outside the transaction, so nothing of it can be undone."""

    monkeypatch.setattr(SqliteStore, "done", done_or_away)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    shop.deliver()
    assert run(shop) == 1
    assert stored(shop).state == "done"


@pytest.mark.parametrize("store", [MemoryStore()])
def test_a_store_without_a_database_is_refused_for_later(store: MemoryStore) -> None:
    with pytest.raises(ValueError, match="MemoryStore is none: use SqliteStore, SqlStore or DjangoStore"):
        WebhookReceiver(SECRETS, store, process="later", registry=CollectorRegistry())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"process": "sometimes"}, "process is 'sometimes': it must be 'now' or 'later'"),
        ({"max_attempts": 0}, "max_attempts is 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(options: dict[str, Any], said: str, store: SqliteStore) -> None:
    with pytest.raises(ValueError, match=said):
        Shop(store, **options)
    for name in ("threads", "poll_seconds"):
        with pytest.raises(ValueError, match=f"{name} is 0"):
            Shop(store).receiver.worker(**{name: 0})


@pytest.fixture
def real_shop(store: SqliteStore) -> Shop:
    """A shop on the real clock."""
    shop = Shop(store, process="later", lease_seconds=30)
    shop.receiver._clock = time.time
    return shop


def put(store: SqliteStore, number: int) -> None:
    from molam_sdk.store.inbox import Arrival

    for each in range(number):
        event_id = f"evt_{each}"
        assert store.inbox.store(Arrival(event_id, "payment.succeeded", body_of(id=event_id)), time.time())


def working(shop: Shop, **options: Any) -> tuple[Any, threading.Thread]:
    worker = shop.receiver.worker(poll_seconds=0.01, **options)
    thread = threading.Thread(target=worker.run)
    thread.start()
    return worker, thread


def until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def test_many_threads_run_each_event_once(real_shop: Shop, store: SqliteStore) -> None:
    ran = Tally()
    real_shop.receiver.on("payment.succeeded")(lambda event: ran.count(event.id))
    put(store, 40)
    workers = [working(real_shop, threads=3) for _ in range(2)]
    until(lambda: not list(store.inbox.list()))
    for worker, thread in workers:
        worker.stop()
        thread.join()
    assert ran.counts() == {f"evt_{number}": 1 for number in range(40)}


def test_stopping_lets_what_runs_come_to_its_end_and_takes_no_more(real_shop: Shop, store: SqliteStore) -> None:
    begun, go_on = threading.Event(), threading.Event()
    ran = []

    @real_shop.receiver.on("payment.succeeded")
    def slow(event: PaymentEvent) -> None:
        begun.set()
        assert go_on.wait(30)
        ran.append(event.id)

    put(store, 5)
    worker, thread = working(real_shop, threads=1)
    assert begun.wait(30)
    worker.stop()
    go_on.set()
    thread.join()
    assert len(ran) == 1
    assert len(list(store.inbox.list("received"))) == 4


def test_a_worker_goes_on_when_the_database_comes_back(
    real_shop: Shop, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from molam_sdk.store.inbox import Inbox

    real_shop.receiver.on("payment.succeeded")(real_shop.fulfil)
    put(store, 1)
    take, away = Inbox.take, iter([True] * 3)

    def take_or_fail(self: Inbox, *args: Any) -> InboxEvent | None:
        if next(away, False):
            raise sqlite3.OperationalError("server closed the connection")
        return take(self, *args)

    monkeypatch.setattr(Inbox, "take", take_or_fail)
    worker, thread = working(real_shop, threads=1)
    until(lambda: real_shop.seen == ["evt_0"])
    worker.stop()
    thread.join()


def test_a_signal_stops_the_worker_and_the_handlers_of_signals_are_as_before(
    real_shop: Shop, store: SqliteStore
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    @real_shop.receiver.on("payment.succeeded")
    def told_to_stop(event: PaymentEvent) -> None:
        if not real_shop.seen:
            signal.raise_signal(signal.SIGTERM)
        real_shop.fulfil(event)

    put(store, 3)
    assert 1 <= real_shop.receiver.work(threads=1) <= 3
    assert signal.getsignal(signal.SIGTERM) is before
    assert list(store.inbox.list("failed", "dead")) == []


def test_the_metrics_tell_how_long_events_waited_and_how_many_are_where(shop: Shop) -> None:
    def value(name: str, **labels: str) -> float | None:
        return shop.registry.get_sample_value(f"molam_sdk_inbox_{name}", labels)

    shop.failures = 3
    shop.deliver("evt_1")
    for _ in range(3):
        run(shop)
        shop.now += 100
    shop.deliver("evt_2")
    shop.now += 20
    run(shop)
    shop.receiver.worker()._chores[0].do(lambda: False)
    assert value("attempts_total", result="failed") == 2
    assert value("attempts_total", result="dead") == 1
    assert value("attempts_total", result="handled") == 1
    assert value("lag_seconds_sum") == 320
    assert value("events", state="dead") == 1
    assert value("events", state="received") == 0
    assert value("oldest_seconds") == 320
