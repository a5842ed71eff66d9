"""A synthetic event and Molam's own of one occurrence are one event to every store, whichever came first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from molam_sdk.store import Claim, ClaimResult, Store
from molam_sdk.store.events import EventClaims
from molam_sdk.store.inbox import Arrival
from tests.support.tally import Tally
from tests.support.webhooks.stores import INBOX_STORES, ROW_STORES, STORES, close_database_of_this_thread

NOW = 1_800_000_000.0
LEASE = NOW + 60
NAME = "backfill:payment.succeeded:pi_1"
REAL = Claim("evt_1", "payment.succeeded", "a", occurrence=NAME)
SYNTHETIC = Claim(NAME, "payment.succeeded", "b", occurrence=NAME)
ORDERS = [(REAL, SYNTHETIC), (SYNTHETIC, REAL)]


@pytest.mark.parametrize(("first", "second"), ORDERS)
def test_the_second_is_a_duplicate_of_the_first(store: Store, first: Claim, second: Claim) -> None:
    assert store.claim(first, NOW, LEASE) == ClaimResult("run")
    busy = store.claim(second, NOW + 20, LEASE)
    assert (busy.decision, busy.retry_after, busy.event_id) == ("busy", 40.0, first.event_id)
    assert store.done(first, NOW)
    assert store.claim(second, NOW + 1e6, NOW + 2e6) == ClaimResult("duplicate", event_id=first.event_id)
    assert store.claim(first, NOW + 1e6, NOW + 2e6) == ClaimResult("duplicate")


@pytest.mark.parametrize("object_id", [None, "pi_1"], ids=["any order", "in order"])
@pytest.mark.parametrize(("first", "second"), ORDERS)
def test_the_second_goes_on_where_the_first_failed(
    store: Store, first: Claim, second: Claim, object_id: str | None
) -> None:
    first, second = replace(first, object_id=object_id), replace(second, object_id=object_id)
    store.claim(first, NOW, LEASE)
    store.renew(first, 0.0, ("shop.pay",))
    result = store.claim(second, NOW + 1, LEASE)
    assert (result.decision, result.finished, result.event_id) == ("run", ("shop.pay",), first.event_id)
    held = replace(second, event_id=first.event_id)
    assert store.renew(held, LEASE, ("shop.pay", "shop.mail"))
    assert store.done(held, NOW + 2)
    assert store.claim(replace(first, token="c"), NOW + 3, LEASE) == ClaimResult("duplicate")


def test_two_of_molams_own_are_two_events(store: Store) -> None:
    other = replace(REAL, event_id="evt_2", token="c")
    assert store.claim(REAL, NOW, LEASE) == ClaimResult("run")
    assert store.claim(other, NOW, LEASE).decision == "run"
    assert store.done(REAL, NOW)
    assert store.done(other, NOW)
    assert store.claim(SYNTHETIC, NOW, LEASE).decision == "duplicate"
    assert store.claim(replace(other, token="d"), NOW, LEASE).decision == "duplicate"


@pytest.mark.parametrize("object_id", [None, "pi_1"], ids=["any order", "in order"])
def test_of_both_at_one_moment_one_runs(store: Store, object_id: str | None) -> None:
    decisions, start = Tally(), threading.Barrier(8)

    def claim(number: int) -> None:
        template = REAL if number % 2 else SYNTHETIC
        start.wait()
        token = f"token-{number}"
        decisions.count(store.claim(replace(template, token=token, object_id=object_id), NOW, LEASE).decision)
        close_database_of_this_thread()

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decisions["run"] <= 1
    assert decisions["duplicate"] == 0
    if object_id is None:
        assert decisions["run"] == 1


def test_a_store_remembers_since_the_oldest_event_that_it_still_has(store: Any) -> None:
    assert store.remembers_since() is None
    store.claim(REAL, NOW, LEASE)
    store.done(REAL, NOW + 5)
    later = replace(REAL, event_id="evt_2", occurrence="backfill:payment.succeeded:pi_2")
    store.claim(later, NOW + 100, NOW + 160)
    store.done(later, NOW + 100)
    assert NOW <= store.remembers_since() <= NOW + 5


@pytest.fixture(params=ROW_STORES)
def table_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventClaims]:
    with STORES[request.param](tmp_path) as store:
        assert isinstance(store, EventClaims)
        yield store


def test_what_an_older_version_wrote_is_not_remembered(table_store: EventClaims) -> None:
    for number, moment in enumerate((NOW, NOW + 100)):
        claim = replace(REAL, event_id=f"evt_{number}", occurrence=None)
        table_store.claim(claim, moment, moment + 60)
        table_store.done(claim, moment)
    assert table_store.remembers_since() == NOW
    table_store._database.execute(
        table_store._filled('UPDATE "@table" SET occurrence = NULL WHERE touched > 1800000050')
    )
    assert table_store.remembers_since() == NOW + 100


@pytest.fixture(params=INBOX_STORES)
def inbox_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventClaims]:
    with STORES[request.param](tmp_path) as store:
        assert isinstance(store, EventClaims)
        yield store


@pytest.mark.parametrize(("first", "second"), ORDERS)
def test_an_inbox_keeps_one_of_both(inbox_store: EventClaims, first: Claim, second: Claim) -> None:
    inbox = inbox_store.inbox
    assert inbox.store(arrival_of(first), NOW)
    assert not inbox.store(arrival_of(second), NOW)
    assert [event.event_id for event in inbox.list()] == [first.event_id]


def test_an_inbox_takes_up_what_failed_without_it_under_its_own_id(inbox_store: EventClaims) -> None:
    inbox_store.claim(REAL, NOW - 100, NOW - 40)
    inbox_store.renew(REAL, 0.0, ("shop.pay",))
    assert inbox_store.inbox.store(arrival_of(SYNTHETIC), NOW)
    taken = inbox_store.inbox.take("t", NOW, 60)
    assert taken is not None
    assert (taken.event_id, taken.finished) == ("evt_1", ("shop.pay",))


def test_an_inbox_keeps_two_of_molams_own(inbox_store: EventClaims) -> None:
    assert inbox_store.inbox.store(arrival_of(REAL), NOW)
    assert inbox_store.inbox.store(arrival_of(replace(REAL, event_id="evt_2")), NOW)
    assert not inbox_store.inbox.store(arrival_of(replace(REAL, event_id="evt_2")), NOW)
    assert len(list(inbox_store.inbox.list())) == 2


def arrival_of(claim: Claim) -> Arrival:
    return Arrival(claim.event_id, claim.event_type, b"{}", NOW, "pi_1", occurrence=claim.occurrence)
