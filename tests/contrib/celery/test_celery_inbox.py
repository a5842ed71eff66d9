"""The inbox worked on by a Celery task, in a real worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging

from molam_sdk.contrib.celery_inbox import webhook_task
from molam_sdk.store import MemoryStore, SqliteStore
from tests.support.webhooks.shop import Shop

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(SqliteStore(tmp_path / "shop.sqlite3")) as store:
        shop = Shop(store, process="later")
        shop.receiver.on("payment.succeeded")(shop.fulfil)
        yield shop


def _leave_logging_alone(**_: object) -> None:
    """A receiver of this signal keeps Celery from setting up logging, and from taking caplog's handler away."""


@pytest.fixture
def app() -> Iterator[Celery]:
    setup_logging.connect(_leave_logging_alone)
    yield Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    setup_logging.disconnect(_leave_logging_alone)


def test_a_task_runs_what_is_due_and_says_how_much_it_was(shop: Shop, app: Celery) -> None:
    task = webhook_task(app, shop.receiver)
    for event_id in ("evt_1", "evt_2"):
        shop.deliver(event_id)
    with start_worker(app, perform_ping_check=False, pool="solo"):
        assert task.delay().get(timeout=30) == 2
        assert task.delay().get(timeout=30) == 0
    assert sorted(shop.seen) == ["evt_1", "evt_2"]


def test_a_task_that_has_worked_long_enough_leaves_the_rest(shop: Shop, app: Celery) -> None:
    task = webhook_task(app, shop.receiver, for_seconds=0.0)
    shop.deliver()
    assert task.apply().get() == 0
    assert shop.seen == []


def test_a_receiver_without_an_inbox_is_refused_where_the_task_is_made(app: Celery) -> None:
    with pytest.raises(ValueError, match="MemoryStore is none"):
        webhook_task(app, Shop(MemoryStore()).receiver)
