"""What every database does with the outbox: one list of facts for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from molam_sdk.journal import Decision, Entry
from molam_sdk.journal.figures import OutboxFigures
from molam_sdk.store.columns import hashed_id
from molam_sdk.store.database import Database
from molam_sdk.store.entries import JournalEntries
from tests.support.databases import DATABASES, dropped
from tests.support.journals import DONE, FREE, OPEN, asked
from tests.support.webhooks.stores import unique

OURS: Any = ("acc", "https://api.test")


class Queue:
    """A journal, and operations enqueued in it."""

    def __init__(self, database: Database, table: str) -> None:
        self.database, self.table = database, table
        self.entries = JournalEntries(database, table=table)
        self.outbox = self.entries.outbox

    def add(self, key: str = "order-7", **changes: Any) -> Decision:
        """Enqueue, in a transaction that is open."""
        with self.database.transaction():
            return self.outbox.enqueue(asked(key, **changes), None).decision

    def take(self, token: str = "worker") -> Entry | None:
        return self.outbox.take(token, 60, *OURS)

    def taken(self, token: str = "worker") -> Entry:
        found = self.take(token)
        assert found is not None
        return found

    def entry(self, key: str = "order-7") -> Entry:
        found = self.entries.find(key)
        assert found is not None
        return found

    def set(self, assignment: str, key: str = "order-7") -> None:
        statement = self.database.dialect.fill(f'UPDATE "{self.table}" SET {assignment} WHERE key_hash = :key')
        self.database.execute(statement, {"key": hashed_id(key)})


@pytest.fixture(params=DATABASES)
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    with ExitStack() as stack:
        database = stack.enter_context(DATABASES[request.param](tmp_path))
        name = unique("molam_outbox")
        stack.enter_context(dropped(database, name))
        yield Queue(database, name)


def test_what_is_enqueued_waits_and_is_leased_to_one_worker(queue: Queue) -> None:
    assert queue.add(body=b"\x00\xff'") is Decision.SEND
    waiting = queue.entry()
    assert (waiting.state, waiting.outcome, waiting.attempts, waiting.lease_left) == ("queued", None, 0, 0.0)
    assert (queue.outbox.figures().queued, 0 <= queue.outbox.figures().oldest_seconds < 30) == (1, True)
    taken = queue.taken()
    assert (taken.key, taken.state, taken.body, taken.token) == ("order-7", "open", b"\x00\xff'", "worker")
    assert 30 < taken.lease_left <= 60
    assert queue.take("another") is None
    assert queue.outbox.figures().queued == 0


def test_an_order_that_is_rolled_back_takes_what_was_enqueued_with_it(queue: Queue) -> None:
    def rolled_back() -> None:
        with queue.database.transaction():
            queue.outbox.enqueue(asked(), None)
            raise KeyError

    with pytest.raises(KeyError):
        rolled_back()
    assert queue.entries.find("order-7") is None


def test_what_was_taken_counts_its_first_use_from_then(queue: Queue) -> None:
    queue.add()
    queue.set("first_used = 5, queued = 5")
    assert queue.taken().age < 30


def test_what_was_not_sent_waits_longer_each_time(queue: Queue) -> None:
    queue.add()
    queue.taken()
    assert queue.entries.end("order-7", "worker", FREE)
    again = queue.entry()
    assert (again.state, again.outcome, again.attempts) == ("queued", "not_sent", 1)
    assert queue.take() is None
    queue.set("due = 0")
    assert queue.taken("second").attempts == 1


def test_an_end_is_told_once(queue: Queue) -> None:
    queue.add()
    queue.taken()
    queue.entries.end("order-7", "worker", DONE)
    told = queue.taken("teller")
    assert (told.state, told.token) == ("done", "teller")
    assert queue.take("another") is None
    with queue.outbox.telling():
        assert queue.outbox.told(told)
    with queue.outbox.telling():
        assert not queue.outbox.told(told)
    assert queue.take() is None


def test_an_end_that_could_not_be_told_is_told_later(queue: Queue) -> None:
    queue.add()
    queue.taken()
    queue.entries.end("order-7", "worker", DONE)
    queue.outbox.tell_later(queue.taken("teller"))
    assert queue.take() is None
    queue.set("due = 0")
    assert queue.taken().state == "done"


def test_pruning_leaves_what_is_still_to_be_told(queue: Queue) -> None:
    queue.add()
    queue.taken()
    queue.entries.end("order-7", "worker", DONE)
    queue.set("first_used = 1, ended = 1")
    assert queue.entries.prune(5) == 0
    ended = queue.taken()
    with queue.outbox.telling():
        queue.outbox.told(ended)
    assert queue.entries.prune(5) == 1


def test_what_is_in_doubt_is_nobodys_to_make(queue: Queue) -> None:
    queue.add()
    queue.taken()
    queue.entries.end("order-7", "worker", OPEN)
    assert queue.take() is None
    assert queue.entry().state == "open"


def test_a_worker_that_died_leaves_a_doubt(queue: Queue) -> None:
    queue.add()
    queue.taken()
    queue.set("lease_until = 0")
    assert queue.take() is None
    assert queue.entry().state == "open"


@pytest.mark.parametrize(
    ("stranger", "decision"),
    [
        ({"body": b"{}"}, Decision.REFUSE),
        ({"base_url": "https://other.test"}, Decision.REFUSE),
        ({"account": "other"}, Decision.REFUSE),
        ({}, Decision.SEND),
    ],
)
def test_a_key_is_bound_when_it_is_enqueued(queue: Queue, stranger: dict[str, Any], decision: Decision) -> None:
    queue.add()
    assert queue.add(**stranger) is decision
    assert queue.outbox.figures().queued == 1


def test_others_accounts_and_hosts_are_left_alone(queue: Queue) -> None:
    queue.add("of-another", account="other")
    queue.add("elsewhere", base_url="https://other.test")
    queue.add("of-nobody-known", account=None)
    assert queue.taken().key == "of-nobody-known"
    assert queue.entry("of-nobody-known").account == "acc"
    assert queue.take() is None


def test_each_operation_is_one_workers(queue: Queue) -> None:
    for number in range(20):
        queue.add(f"order-{number}")

    def work(worker: int) -> list[str]:
        found = []
        while True:
            taken = queue.take(f"worker-{worker}")
            if taken is None:
                if queue.outbox.figures().queued == 0:
                    queue.outbox.leave_thread()
                    return found
                continue
            found.append(taken.key)

    with ThreadPoolExecutor(4) as pool:
        keys = [key for each in pool.map(work, range(4)) for key in each]
    assert sorted(keys) == sorted(f"order-{number}" for number in range(20))


def test_what_is_due_is_found_by_an_index(queue: Queue) -> None:
    assert f"{queue.table}_due" in {
        str(row[0]) for row in queue.database.execute(queue.database.dialect.indexes, {"table": queue.table}).rows
    }


def test_the_figures_tell_what_waits_what_failed_and_what_nobody_was_told(queue: Queue) -> None:
    assert queue.outbox.figures() == OutboxFigures(0, 0.0)
    for number in range(3):
        queue.add(f"order-{number}")
        queue.set("queued = @now - 60", f"order-{number}")
    first, second = queue.taken(), queue.taken("worker-2")
    queue.entries.end(first.key, first.token, FREE)
    queue.entries.end(second.key, second.token, replace(DONE, telling=60))
    figures = queue.outbox.figures()
    assert (figures.queued, figures.failed, figures.untold) == (2, 1, 1)
    assert 60 <= figures.oldest_seconds < 120
