"""The outbox: what is enqueued is committed with the shop's own rows or not at all, and then made once by a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from molam_sdk import (
    ClientConfig,
    ConfigurationError,
    JournalError,
    MolamClient,
    MolamError,
    MolamSyncClient,
    PlainAsyncClient,
    RequestValidationError,
)
from molam_sdk.journal import Entry, MemoryJournal
from molam_sdk.store.sql import SqlStore
from molam_sdk.testing import AsyncScriptedTransport, Failure, NoReply, ScriptedTransport, reply
from tests.support.journals import a_database
from tests.support.script import OK, TIMEOUT
from tests.support.webhooks.stores import MARIADB_URL, POSTGRES_URL

CONFIG = ClientConfig(api_key="sk_test_1", environment="sandbox", max_retries=0)
ORDER = {"amount": "100.50", "currency": "USD"}
MOLAMS = {"X-Molam-Request-Id": "req_1"}
DECLINED = reply(402, {"error": {"code": "card_declined", "message": "No."}}, MOLAMS)
REFUSED = NoReply(Failure.CONNECT, "refused")
SLOW_DOWN = reply(429, {"error": {"code": "rate_limited", "message": "Slow."}}, MOLAMS | {"Retry-After": "100"})


@contextmanager
def _file(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/shop.db"


URLS: dict[str, Callable[[Path], Any]] = {
    "sqlite": _file,
    "postgresql": lambda _: a_database(POSTGRES_URL),
    "mariadb": lambda _: a_database(MARIADB_URL),
}


@pytest.fixture(params=URLS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with URLS[request.param](tmp_path) as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE orders (number INTEGER PRIMARY KEY, paid INTEGER)"))
        yield SqlStore(engine)
        engine.dispose()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[SqlStore]:
    """Where the database makes no difference."""
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    yield SqlStore(engine)
    engine.dispose()


def client_of(store: Any, *script: Any, **options: Any) -> tuple[MolamClient, ScriptedTransport]:
    transport = ScriptedTransport(*script)
    return MolamClient(CONFIG, transport=transport, journal=store, **options), transport


def ordered(client: MolamClient, engine: Engine, number: int = 7, *, fails: bool = False) -> None:
    """An order and the payment that is to be made of it, in one transaction."""
    with Session(engine) as session, session.begin():
        session.execute(text(f"INSERT INTO orders VALUES ({number}, 0)"))
        client.journal.within(session).enqueue(client.create_payment_intent, ORDER, idempotency_key=f"order-{number}")
        if fails:
            raise KeyError


def rows(engine: Engine) -> list[tuple[int, int]]:
    with engine.connect() as connection:
        return [(number, paid) for number, paid in connection.execute(text("SELECT * FROM orders ORDER BY number"))]


def entry_of(client: MolamClient, key: str = "order-7") -> Entry:
    found = client.journal.get(key)
    assert found is not None
    return found


def due_now(store: SqlStore) -> None:
    """As time does."""
    database = store.database
    database.execute(database.dialect.fill('UPDATE "molam_journal" SET due = 0 WHERE due IS NOT NULL'))


def seconds_to_wait(store: SqlStore) -> float:
    database = store.database
    return float(database.execute(database.dialect.fill('SELECT due - @now FROM "molam_journal"')).rows[0][0])


def test_an_order_and_its_payment_are_committed_together_or_not_at_all(store: SqlStore) -> None:
    client, transport = client_of(store, OK)
    ordered(client, store.database.engine, 7)
    with pytest.raises(KeyError):
        ordered(client, store.database.engine, 8, fails=True)
    assert rows(store.database.engine) == [(7, 0)]
    assert [(entry.key, entry.state) for entry in client.journal.list(open=True)] == [("order-7", "queued")]
    assert transport.requests == []
    assert client.journal.worker().run_until_empty() == 1
    entry = entry_of(client)
    assert (entry.state, entry.result.id, entry.attempts, entry.queued_at is not None) == ("done", "pi_1", 1, True)
    assert [request.headers["Idempotency-Key"] for request in transport.requests] == ["order-7"]
    assert client.journal.worker().run_until_empty() == 0


def test_what_is_told_of_an_end_is_committed_with_its_mark(store: SqlStore) -> None:
    client, _ = client_of(store, OK)
    ordered(client, store.database.engine)
    told: list[Any] = []

    def paid(entry: Entry) -> None:
        store.connection.execute(text("UPDATE orders SET paid = paid + 1"))
        told.append((entry.key, entry.state, entry.result.id))
        if len(told) == 1:
            raise ValueError("the shop's own")

    worker = client.journal.worker(on_end=paid)
    assert worker.run_until_empty() == 1
    assert rows(store.database.engine) == [(7, 0)]  # rolled back with the mark
    assert worker.run_until_empty() == 0  # later
    due_now(store)
    assert worker.run_until_empty() == 1
    assert rows(store.database.engine) == [(7, 1)]
    due_now(store)
    assert worker.run_until_empty() == 0
    assert told == [("order-7", "done", "pi_1")] * 2


def test_what_is_told_may_enqueue_what_comes_next(store: SqlStore) -> None:
    confirmed = reply(200, {"id": "pi_1", "status": "succeeded", "amount": "100.50", "currency": "USD"}, MOLAMS)
    client, transport = client_of(store, OK, confirmed)
    ordered(client, store.database.engine)

    def confirm(entry: Entry) -> None:
        if entry.operation == "create_payment_intent":
            client.journal.enqueue(client.confirm_payment_intent, entry.result.id, idempotency_key=f"{entry.key}/pay")

    assert client.journal.worker(on_end=confirm).run_until_empty() == 2
    assert [request.url.rpartition("/")[2] for request in transport.requests] == ["payment_intents", "confirm"]
    assert entry_of(client, "order-7/pay").result.status == "succeeded"


def test_a_decline_is_final_and_told(lite: SqlStore) -> None:
    client, transport = client_of(lite, DECLINED)
    with lite.database.engine.begin() as connection:
        client.journal.within(connection).enqueue(client.create_payment_intent, ORDER, idempotency_key="order-7")
    told: list[Any] = []
    worker = client.journal.worker(on_end=lambda entry: told.append((entry.state, entry.code)))
    assert worker.run_until_empty() == 1
    assert told == [("refused", "402")]
    assert worker.run_until_empty() == 0
    assert len(transport.requests) == 1


def test_what_was_not_sent_is_made_later_and_later(lite: SqlStore) -> None:
    client, transport = client_of(lite, REFUSED, REFUSED, OK)
    enqueue(client, lite)
    worker = client.journal.worker()
    assert worker.run_until_empty() == 1
    assert (entry_of(client).state, entry_of(client).outcome) == ("queued", "not_sent")
    assert 3.9 < seconds_to_wait(lite) <= 6.1
    due_now(lite)
    lite.database.execute("UPDATE molam_journal SET queued = queued - 1000")
    assert worker.run_until_empty() == 1
    assert 790 < seconds_to_wait(lite) < 1210
    due_now(lite)
    assert worker.run_until_empty() == 1
    assert (entry_of(client).state, len(transport.requests)) == ("done", 3)


def test_molam_says_when_to_come_back(lite: SqlStore) -> None:
    client, _ = client_of(lite, SLOW_DOWN)
    enqueue(client, lite)
    client.journal.worker().run_until_empty()
    assert entry_of(client).state == "queued"
    assert 100 < seconds_to_wait(lite) < 107


def test_a_doubt_is_recovered_and_its_end_told(lite: SqlStore) -> None:
    client, transport = client_of(lite, TIMEOUT, OK)
    enqueue(client, lite)
    told: list[str] = []
    worker = client.journal.worker(on_end=lambda entry: told.append(entry.state))
    assert worker.run_until_empty() == 1
    assert (entry_of(client).state, told) == ("open", [])
    assert worker.run_until_empty() == 1
    assert (told, len(transport.requests)) == (["done"], 2)


def test_what_needs_a_review_is_told_and_so_is_its_end(lite: SqlStore) -> None:
    client, _ = client_of(lite, TIMEOUT)
    enqueue(client, lite)
    told: list[str] = []
    worker = client.journal.worker(on_end=lambda entry: told.append(entry.state))
    worker.run_until_empty()
    lite.database.execute("UPDATE molam_journal SET first_used = first_used - 100000")
    worker.run_until_empty()
    client.journal.settle("order-7", done=True, note="pi_9 in the dashboard")
    worker.run_until_empty()
    assert told == ["review", "done"]


def test_what_waits_can_be_withdrawn_by_hand(lite: SqlStore) -> None:
    client, transport = client_of(lite)
    enqueue(client, lite)
    client.journal.settle("order-7", done=False, note="the customer went away")
    assert client.journal.worker().run_until_empty() == 1  # told
    assert (entry_of(client).state, transport.requests) == ("refused", [])


def test_a_call_under_the_key_makes_it_at_once(lite: SqlStore) -> None:
    client, transport = client_of(lite, REFUSED, OK)
    enqueue(client, lite)
    with pytest.raises(MolamError):
        client.create_payment_intent(ORDER, idempotency_key="order-7")
    assert entry_of(client).state == "queued"
    assert client.create_payment_intent(ORDER, idempotency_key="order-7").id == "pi_1"
    assert client.journal.worker().run_until_empty() == 1  # told, not made
    assert len(transport.requests) == 2


def enqueue(client: MolamClient, store: SqlStore, **options: Any) -> str:
    with store.database.engine.begin() as connection:
        options = {"idempotency_key": "order-7"} | options
        return client.journal.within(connection).enqueue(client.create_payment_intent, ORDER, **options)


def test_the_same_twice_is_once_and_another_is_refused(lite: SqlStore) -> None:
    client, transport = client_of(lite, OK)
    assert enqueue(client, lite) == enqueue(client, lite) == "order-7"
    with (
        pytest.raises(RequestValidationError, match="another body") as caught,
        lite.database.engine.begin() as connection,
    ):
        client.journal.within(connection).enqueue(
            client.create_payment_intent, {**ORDER, "amount": 1}, idempotency_key="order-7"
        )
    assert caught.value.outcome == "not_sent"
    client.journal.worker().run_until_empty()
    assert enqueue(client, lite) == "order-7"
    assert client.journal.worker().run_until_empty() == 0
    assert len(transport.requests) == 1


def test_a_key_that_ended_with_nothing_done_may_be_enqueued(lite: SqlStore) -> None:
    client, _ = client_of(lite, REFUSED, OK)
    with pytest.raises(MolamError):
        client.create_payment_intent(ORDER, idempotency_key="order-7")
    enqueue(client, lite)
    assert client.journal.worker().run_until_empty() == 1
    assert entry_of(client).state == "done"


@pytest.mark.parametrize(
    ("said", "act"),
    [
        ("amount", lambda client, box: box.enqueue(client.create_payment_intent, {"amount": -1, "currency": "USD"})),
        ("idempotency_key", lambda client, box: box.enqueue(client.create_payment_intent, ORDER, idempotency_key="")),
        ("changes something", lambda client, box: box.enqueue(client.retrieve_balance)),
        ("changes something", lambda client, box: box.enqueue("create_payment_intent", ORDER)),
        ("of this client", lambda client, box: box.enqueue(other().create_payment_intent, ORDER)),
        ("timeout", lambda client, box: box.enqueue(client.create_payment_intent, ORDER, timeout=5)),
        ("within", lambda client, box: client.journal.enqueue(client.create_payment_intent, ORDER)),
        ("not str", lambda client, box: client.journal.within("s").enqueue(client.create_payment_intent, ORDER)),
    ],
)
def test_bad_input_is_refused_before_the_commit(lite: SqlStore, said: str, act: Callable[[Any, Any], Any]) -> None:
    client, transport = client_of(lite)
    with lite.database.engine.begin() as connection, pytest.raises(RequestValidationError, match=said) as caught:
        act(client, client.journal.within(connection))
    assert caught.value.outcome == "not_sent"
    assert (list(client.journal.list()), transport.requests) == ([], [])


def other() -> MolamClient:
    return MolamClient(CONFIG, transport=ScriptedTransport())


def test_a_transaction_of_another_database_is_refused(lite: SqlStore, tmp_path: Path) -> None:
    client, _ = client_of(lite)
    engine = create_engine(f"sqlite:///{tmp_path}/another.db")
    with engine.begin() as connection, pytest.raises(RequestValidationError, match="two databases"):
        client.journal.within(connection).enqueue(client.create_payment_intent, ORDER)
    engine.dispose()


def test_a_journal_without_a_table_is_a_journal_error(lite: SqlStore) -> None:
    client, _ = client_of(lite)
    lite.database.execute("DROP TABLE molam_journal")
    with pytest.raises(JournalError, match="nothing is enqueued") as caught:
        enqueue(client, lite)
    assert caught.value.outcome == "not_sent"


def test_a_journal_that_forgets_has_no_outbox() -> None:
    client, _ = client_of(MemoryJournal())
    with pytest.raises(ConfigurationError, match="has no outbox"):
        client.journal.enqueue(client.create_payment_intent, ORDER)


def test_a_file_of_its_own_commits_at_once(tmp_path: Path) -> None:
    client, _ = client_of(tmp_path / "molam.db", OK)
    client.journal.enqueue(client.create_payment_intent, ORDER, idempotency_key="order-7")
    assert client.journal.worker().run_until_empty() == 1
    client.close()


def test_a_worker_makes_what_is_of_its_own_account_and_host(lite: SqlStore) -> None:
    client, _ = client_of(lite)
    enqueue(client, lite)
    for config in (
        ClientConfig(api_key="sk_test_2", environment="sandbox"),
        ClientConfig(api_key="sk_test_1", base_url="https://x.test"),
    ):
        transport = ScriptedTransport()
        stranger = MolamClient(config, transport=transport, journal=lite)
        assert stranger.journal.worker().run_until_empty() == 0
    assert entry_of(client).state == "queued"


def test_a_worker_waits_while_the_circuit_is_open(lite: SqlStore) -> None:
    transport = ScriptedTransport(REFUSED)
    client = MolamSyncClient(CONFIG, cb_fail_max=1, transport=transport, journal=lite)
    for number in range(4):
        enqueue(client, lite, idempotency_key=f"order-{number}")
    worker = client.journal.worker()
    assert worker.run_until_empty() == 2  # one opens it, one is refused by it
    assert worker.run_until_empty() == 0
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "options", [{"threads": 0}, {"threads": 1.5}, {"poll_seconds": 0}, {"timeout": -1}, {"recover_per_second": 0}]
)
def test_a_worker_of_impossible_numbers_is_refused(lite: SqlStore, options: dict[str, Any]) -> None:
    client, _ = client_of(lite)
    with pytest.raises(RequestValidationError):
        client.journal.worker(**options)


@pytest.mark.parametrize("commits", [True, False])
async def test_an_asyncio_client_enqueues_in_an_async_session(commits: bool) -> None:
    with a_database(POSTGRES_URL) as url:
        engine, async_engine = create_engine(url), create_async_engine(url)
        store, transport = SqlStore(engine), AsyncScriptedTransport(ScriptedTransport())
        async with PlainAsyncClient(CONFIG, transport=transport, journal=store) as client:
            async with AsyncSession(async_engine) as session:
                outbox = client.journal.within(session)
                await outbox.enqueue(client.create_payment_intent, ORDER, idempotency_key="order-7")
                await (session.commit() if commits else session.rollback())
            await async_engine.dispose()
            assert (await client.journal.get("order-7") is not None) is commits
        blocking, _ = client_of(store, OK)
        assert blocking.journal.worker().run_until_empty() == (1 if commits else 0)
        engine.dispose()


def test_in_the_block_of_an_undo_nothing_is_enqueued(lite: SqlStore) -> None:
    client, transport = client_of(lite)
    with pytest.raises(RequestValidationError, match="block of an undo"), client.undo():
        enqueue(client, lite)
    assert {entry.operation for entry in client.journal.list()} == {"undo"}
    assert transport.requests == []


@pytest.mark.parametrize("name", ["work", "worker"])
async def test_an_asyncio_client_says_where_to_work(lite: SqlStore, name: str) -> None:
    async with PlainAsyncClient(CONFIG, journal=lite) as client:
        with pytest.raises(ConfigurationError, match="molam journal work"):
            getattr(client.journal, name)(threads=2)
