"""The outbox and the doubts of a journal, worked on by Celery tasks in a real worker, which beat gives its work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.beat import Service
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging

from molam_sdk import ClientConfig, MolamClient, MolamError
from molam_sdk.contrib.celery_journal import prune_task, recover_task, work_task
from molam_sdk.journal import Entry
from molam_sdk.testing import ScriptedTransport
from tests.support.script import OK, TIMEOUT

ORDER = {"amount": "100.50", "currency": "USD"}


class Shop:
    """A client whose requests are answered by a script, and its journal in a file."""

    def __init__(self, path: Path) -> None:
        self.path, self.made = path, list[MolamClient]()

    def client(self, *script: Any) -> MolamClient:
        config = ClientConfig(api_key="sk_test_1", environment="sandbox", max_retries=0)
        self.made.append(MolamClient(config, transport=ScriptedTransport(*script), journal=self.path))
        return self.made[-1]

    def entry(self, key: str = "order-7") -> Entry:
        found = self.client().journal.get(key)
        assert found is not None
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path / "molam.db")
    yield made
    for client in made.made:
        client.close()


def _leave_logging_alone(**_: object) -> None:
    """A receiver of this signal keeps Celery from setting up logging, and from taking caplog's handler away."""


@pytest.fixture
def app() -> Iterator[Celery]:
    setup_logging.connect(_leave_logging_alone)
    yield Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    setup_logging.disconnect(_leave_logging_alone)


def test_a_task_makes_what_was_enqueued_and_tells_of_it(shop: Shop, app: Celery) -> None:
    client, told = shop.client(OK), list[str]()
    task = work_task(app, client, on_end=lambda entry: told.append(entry.key))
    client.journal.enqueue(client.create_payment_intent, ORDER, idempotency_key="order-7")
    with start_worker(app, perform_ping_check=False, pool="solo"):
        assert task.delay().get(timeout=30) == 1
        assert task.delay().get(timeout=30) == 0
    assert (shop.entry().state, told) == ("done", ["order-7"])


def test_a_task_settles_what_is_in_doubt_and_another_forgets_what_is_old(shop: Shop, app: Celery) -> None:
    with pytest.raises(MolamError):
        shop.client(TIMEOUT).create_payment_intent(ORDER, idempotency_key="order-7")
    recover = recover_task(app, lambda: shop.client(OK))
    prune = prune_task(app, shop.client, older_than=timedelta(days=400))
    with start_worker(app, perform_ping_check=False, pool="solo"):
        assert recover.delay().get(timeout=30) == {"done": 1}
        assert prune.delay().get(timeout=30) == 0
    assert shop.entry().state == "done"


def test_beat_gives_the_worker_its_work(shop: Shop, app: Celery, tmp_path: Path) -> None:
    client = shop.client(OK)
    task = work_task(app, client)
    client.journal.enqueue(client.create_payment_intent, ORDER, idempotency_key="order-7")
    app.conf.beat_schedule = {"work": {"task": task.name, "schedule": 0.0}}
    scheduler = Service(app, schedule_filename=str(tmp_path / "beat")).get_scheduler()
    with start_worker(app, perform_ping_check=False, pool="solo"):
        sent = scheduler.apply_async(scheduler.schedule["work"])
        assert sent.get(timeout=30) == 1
    scheduler.close()
    assert shop.entry().state == "done"


def test_a_task_that_has_worked_long_enough_leaves_the_rest(shop: Shop, app: Celery) -> None:
    client = shop.client()
    client.journal.enqueue(client.create_payment_intent, ORDER, idempotency_key="order-7")
    assert work_task(app, client, for_seconds=0.0).apply().get() == 0
    assert shop.entry().state == "queued"
