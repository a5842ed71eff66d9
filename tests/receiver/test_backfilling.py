"""A backfill against a sandbox: what was missed is run once, whatever came before it or comes after."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamAsyncClient, MolamClient
from molam_sdk.exceptions import MolamError
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.receiver.backfill import BackfillProgress
from molam_sdk.sandbox import Sandbox
from molam_sdk.store import MemoryStore, SqliteStore
from molam_sdk.webhooks import PaymentEvent, WebhookEvent
from tests.support.webhooks.deliveries import SECRETS, delivery_of

DAY = timedelta(hours=24)
FAST: dict[str, Any] = {"since": DAY, "per_second": 1000.0}


class Books:
    """A shop that writes down what it was told, in the store's transaction."""

    def __init__(self, store: SqliteStore, **options: Any) -> None:
        self.store, self.seen, self.failures = store, list[tuple[str, str, bool]](), 0
        self.receiver = WebhookReceiver(SECRETS, store, registry=CollectorRegistry(), **options)
        self.receiver.on("payment.*", "refund.*", "payout.*")(self.write)

    def write(self, event: WebhookEvent) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the shop is away")
        self.seen.append((event.type, event.object_id or "", event.synthetic))

    def told(self) -> list[tuple[str, str]]:
        return [(event_type, object_id) for event_type, object_id, _ in self.seen]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(overdraft=True) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[MolamClient]:
    with MolamClient(ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)) as client:
        yield client


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "shop.sqlite3")) as store:
        # As one that has been in use: what came in the last month is remembered.
        month_ago = (datetime.now(timezone.utc) - timedelta(days=29)).timestamp()
        store.database.execute(
            'INSERT INTO molam_webhook_events ("key", event_id, event_type, created, token, lease_until, done,'
            " finished, touched, occurrence) VALUES ('old', 'evt_old', 'payment.created', 0, '', 0, 1, '', :at, 'old')",
            {"at": month_ago},
        )
        yield store


@pytest.fixture
def books(store: SqliteStore) -> Books:
    return Books(store)


def take_payment(client: MolamClient, **fields: Any) -> str:
    """The id of a payment that succeeded."""
    payment: Any = {"amount": 5000, "currency": "XOF", "capture": True, **fields}
    intent = client.create_payment_intent(payment)
    return client.confirm_payment_intent(intent.id).id


def deliver(books: Books, sandbox: Sandbox, event_type: str = "payment.succeeded") -> str:
    """What becomes of the last event of a type, as Molam sends it."""
    body = {key: value for key, value in sandbox.webhooks.events(event_type)[-1].items() if key != "seq"}
    moment = datetime.now(timezone.utc).timestamp()
    return books.receiver.receive(*delivery_of(json.dumps(body).encode(), now=moment)).result


def test_what_was_missed_is_told_once_in_the_state_that_it_is_in(books: Books, client: MolamClient) -> None:
    paid = take_payment(client)
    refund = client.create_refund({"payment_id": paid})
    payout = client.create_payout({"amount": 100, "currency": "XOF", "beneficiary": "b", "origin_module": "shop", "origin_entity": "1"})  # fmt: skip # noqa: E501
    created = client.create_payment_intent({"amount": 7, "currency": "XOF"}).id
    progress = books.receiver.backfill(client, **FAST)
    refunded = "refund." + {"pending": "created"}.get(client.retrieve_refund(refund.id).status, "succeeded")
    paid_out = "payout." + {"pending": "created"}.get(client.retrieve_payout(payout.id).status, "paid")
    expected = [("payment.created", created), ("payment.succeeded", paid), (refunded, refund.id), (paid_out, payout.id)]
    assert books.told() == expected
    assert all(synthetic for *_, synthetic in books.seen)
    assert progress == BackfillProgress("end", 4, {"handled": 4})
    again = books.receiver.backfill(client, **FAST)
    assert again.results == {"duplicate": 4}
    assert len(books.seen) == 4


def test_the_synthetic_event_is_one_like_molams(books: Books, client: MolamClient, sandbox: Sandbox) -> None:
    seen: list[PaymentEvent] = []
    books.receiver.on("payment.succeeded", name="look")(seen.append)
    paid = take_payment(client, amount=100.5, currency="USD", metadata={"order": "7"})
    books.receiver.backfill(client, **FAST)
    [event] = seen
    [sent] = sandbox.webhooks.events("payment.succeeded")
    assert isinstance(event, PaymentEvent)
    assert (event.id, event.synthetic, event.type) == (f"backfill:payment.succeeded:{paid}", True, "payment.succeeded")
    assert str(event.data.amount) == "100.5"
    assert event["data"]["metadata"] == sent["data"]["metadata"]
    assert event["data"].keys() == sent["data"].keys()
    assert event.created is not None
    assert abs(event.created.timestamp() - sent["created"]) < 5


@pytest.mark.parametrize("process", ["now", "later"])
def test_molams_own_before_and_after_it_is_no_second_one(
    store: SqliteStore, client: MolamClient, sandbox: Sandbox, process: Any
) -> None:
    books = Books(store, process=process)

    def work() -> None:
        if process == "later":
            books.receiver.worker().run_until_empty()

    first = take_payment(client)
    assert deliver(books, sandbox) in ("handled", "stored")
    work()
    second = take_payment(client)
    progress = books.receiver.backfill(client, **FAST)
    assert progress.results == {"duplicate": 1, "handled" if process == "now" else "stored": 1}
    assert deliver(books, sandbox) == "duplicate"  # of the second one, before and after it was run
    work()
    assert deliver(books, sandbox) == "duplicate"
    assert books.seen == [("payment.succeeded", first, False), ("payment.succeeded", second, True)]


@pytest.mark.parametrize("process", ["now", "later"])
def test_what_molam_sent_and_gave_up_is_run_under_its_own_id(
    store: SqliteStore, client: MolamClient, sandbox: Sandbox, process: Any
) -> None:
    ids: list[str] = []
    before = Books(store)
    before.receiver.on("payment.succeeded", name="ids")(lambda event: ids.append(event.id))
    take_payment(client)
    before.failures = 1
    assert deliver(before, sandbox) == "failed"
    after = Books(store, process=process)
    after.receiver.on("payment.succeeded", name="ids")(lambda event: ids.append(event.id))
    after.receiver.backfill(client, **FAST)
    after.receiver.worker().run_until_empty()
    assert ids == [sandbox.webhooks.events("payment.succeeded")[0]["id"]]
    assert deliver(after, sandbox) == "duplicate"
    assert len(after.seen) == 1


def test_what_the_backfill_could_not_do_molams_own_does(books: Books, client: MolamClient, sandbox: Sandbox) -> None:
    paid = take_payment(client)
    books.failures = 1
    assert books.receiver.backfill(client, **FAST).left == 1
    assert deliver(books, sandbox) == "handled"
    assert books.seen == [("payment.succeeded", paid, False)]
    assert books.receiver.backfill(client, **FAST).results == {"duplicate": 1}


def test_an_event_that_a_worker_has_is_left_to_it(books: Books, client: MolamClient, sandbox: Sandbox) -> None:
    results: list[Any] = []

    def meanwhile(event: WebhookEvent) -> None:
        results.append(other.receiver.backfill(client, **FAST).results)

    other = Books(SqliteStore(books.store.database._path))
    books.receiver.on("payment.succeeded", name="meanwhile", after_commit=True)(meanwhile)
    take_payment(client)
    assert deliver(books, sandbox) == "handled"
    assert results == [{"busy": 1}]
    other.store.close()


async def test_it_can_be_awaited(books: Books, client: MolamClient, sandbox: Sandbox) -> None:
    paid = await asyncio.to_thread(take_payment, client)
    ran: list[str] = []

    async def look(event: WebhookEvent) -> None:
        ran.append(event.id)

    books.receiver.on("payment.succeeded")(look)
    async with MolamAsyncClient(ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)) as awaited:
        progress = await books.receiver.backfill_async(awaited, **FAST)
        assert progress.results == {"handled": 1}
        assert (await books.receiver.backfill_async(awaited, **FAST)).results == {"duplicate": 1}
        with pytest.raises(TypeError, match="backfill wants a MolamSyncClient"):
            books.receiver.backfill(awaited, **FAST)  # type: ignore[arg-type]  # on purpose
    assert ran == [f"backfill:payment.succeeded:{paid}"]
    books.receiver.close()


def test_it_goes_on_from_its_mark(books: Books, client: MolamClient, sandbox: Sandbox) -> None:
    paid = [take_payment(client) for _ in range(5)]
    marks: list[str] = []

    def stop(progress: BackfillProgress) -> None:
        marks.append(progress.mark)
        if progress.looked_at == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        books.receiver.backfill(client, **FAST, progress=stop)
    assert marks == [f"payments:{paid[4]}", f"payments:{paid[3]}"]
    progress = books.receiver.backfill(client, **FAST, resume=marks[-1])
    assert (progress.looked_at, progress.results) == (3, {"handled": 3})
    assert sorted(object_id for _, object_id in books.told()) == sorted(paid)
    assert books.receiver.backfill(client, **FAST, resume="end").looked_at == 0


def test_a_list_that_fails_is_raised_after_what_was_done(books: Books, client: MolamClient, sandbox: Sandbox) -> None:
    take_payment(client)
    marks: list[str] = []
    sandbox.faults.status(status=403, operation="list_refunds")
    with pytest.raises(MolamError):
        books.receiver.backfill(client, **FAST, progress=lambda progress: marks.append(progress.mark))
    assert len(books.seen) == 1
    sandbox.faults.clear()
    assert books.receiver.backfill(client, **FAST, resume=marks[-1]).mark == "end"


def test_only_what_somebody_wants_is_asked_for(store: SqliteStore, client: MolamClient, sandbox: Sandbox) -> None:
    receiver = WebhookReceiver(SECRETS, store, registry=CollectorRegistry())
    receiver.on("payment.failed")(lambda event: None)
    take_payment(client)
    sandbox.faults.status(status=403, operation="list_refunds")
    sandbox.faults.status(status=403, operation="list_payouts")
    assert receiver.backfill(client, **FAST) == BackfillProgress("end", 1, {})


def test_what_the_store_cannot_remember_is_left_alone_unless_it_is_included(
    tmp_path: Path, client: MolamClient
) -> None:
    with closing(SqliteStore(tmp_path / "new.sqlite3")) as store:
        books = Books(store)
        take_payment(client)
        assert books.receiver.backfill(client, **FAST).results == {"unremembered": 1}
        assert books.seen == []
        assert books.receiver.backfill(client, **FAST, include_unremembered=True).results == {"handled": 1}


class Refusing(MemoryStore):
    """A merchant's own store, from before there were synthetic events."""

    remembers_since = property()  # as if it were not there


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"since": datetime(2026, 1, 1)}, ValueError, "without a zone"),  # noqa: DTZ001  # on purpose
        ({"since": datetime(9000, 1, 1, tzinfo=timezone.utc)}, ValueError, "yet to come"),
        ({"since": "24h"}, TypeError, "give a datetime"),
        ({"since": DAY, "reach": timedelta(days=-1)}, ValueError, "reach"),
        ({"since": DAY, "per_second": 0}, ValueError, "per_second"),
        ({"since": DAY, "resume": "events:evt_1"}, ValueError, "mark of a backfill"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(
    books: Books, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    nobody = MolamClient(ClientConfig(api_key="sk_test_x", base_url="http://127.0.0.1:9", max_retries=0))
    with pytest.raises(error, match=said):
        books.receiver.backfill(nobody, **options)
    nobody.close()


def test_a_store_that_cannot_tell_and_a_key_of_the_other_mode_are_refused(store: SqliteStore) -> None:
    nobody = MolamClient(ClientConfig(api_key="sk_test_x", base_url="http://127.0.0.1:9", max_retries=0))
    own = WebhookReceiver(SECRETS, Refusing(), registry=CollectorRegistry())
    with pytest.raises(TypeError, match="Refusing cannot tell"):
        own.backfill(nobody, since=DAY)
    live = WebhookReceiver(SECRETS, store, livemode=True, registry=CollectorRegistry())
    with pytest.raises(ValueError, match=r"sk_test_… key, and the receiver is for livemode=True"):
        live.backfill(nobody, since=DAY)
    nobody.close()
