"""What every dedupe store does, told by one list of facts; time is passed in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from molam_sdk.store import Claim, ClaimResult, Store
from molam_sdk.store.claims import PATIENCE_SECONDS
from molam_sdk.store.events import EventClaims
from tests.support.tally import Tally
from tests.support.webhooks.stores import PRUNED_STORES, ROW_STORES, TRANSACTIONAL_STORES, close_database_of_this_thread

NOW = 1_800_000_000.0
LEASE = NOW + 60

ONE = Claim("evt_1", "payment.succeeded", "token-a")
OTHER_WORKER = replace(ONE, token="token-b")


def test_a_new_event_is_granted(store: Store) -> None:
    assert store.claim(ONE, NOW, LEASE) == ClaimResult("run")


def test_a_leased_event_is_busy_until_the_lease_ends(store: Store) -> None:
    store.claim(ONE, NOW, LEASE)
    assert store.claim(OTHER_WORKER, NOW + 20, LEASE) == ClaimResult("busy", retry_after=40.0)


def test_a_done_event_is_a_duplicate_for_ever(store: Store) -> None:
    store.claim(ONE, NOW, LEASE)
    assert store.done(ONE, NOW + 1)
    assert store.claim(OTHER_WORKER, NOW + 1e6, NOW + 2e6) == ClaimResult("duplicate")


def test_an_event_left_behind_goes_to_the_next_worker(store: Store) -> None:
    store.claim(ONE, NOW, LEASE)
    assert store.claim(OTHER_WORKER, LEASE, LEASE + 60) == ClaimResult("run")
    assert store.claim(ONE, LEASE + 1, LEASE + 61).decision == "busy"


def test_who_lost_the_lease_can_neither_finish_nor_renew(store: Store) -> None:
    store.claim(ONE, NOW, LEASE)
    store.claim(OTHER_WORKER, LEASE, LEASE + 60)
    assert not store.renew(ONE, LEASE + 60, ())
    assert not store.done(ONE, LEASE + 1)
    assert store.done(OTHER_WORKER, LEASE + 2)


def test_a_done_event_cannot_be_given_back(store: Store) -> None:
    store.claim(ONE, NOW, LEASE)
    store.done(ONE, NOW)
    assert not store.renew(ONE, 0.0, ())
    assert not store.done(ONE, NOW)
    assert store.claim(OTHER_WORKER, NOW, LEASE).decision == "duplicate"


def test_an_event_given_back_can_be_taken_at_once_and_remembers_what_ran(store: Store) -> None:
    store.claim(ONE, NOW, LEASE)
    assert store.renew(ONE, 0.0, ("shop.pay", "shop.<locals>.mail"))
    assert store.claim(OTHER_WORKER, NOW + 1, LEASE) == ClaimResult("run", finished=("shop.pay", "shop.<locals>.mail"))
    assert store.claim(OTHER_WORKER, LEASE, LEASE + 1).finished == ("shop.pay", "shop.<locals>.mail")


def test_a_renewed_lease_holds_longer(store: Store) -> None:
    store.claim(ONE, NOW, LEASE)
    assert store.renew(ONE, LEASE + 60, ())
    assert store.claim(OTHER_WORKER, LEASE + 1, LEASE + 100).decision == "busy"


def test_what_was_never_claimed_cannot_be_settled(store: Store) -> None:
    assert not store.renew(ONE, LEASE, ())
    assert not store.done(ONE, NOW)


def test_ids_that_differ_in_case_or_a_space_are_different_events(store: Store) -> None:
    for event_id in ("evt_a", "evt_A", "evt_a ", "evt_á"):
        assert store.claim(replace(ONE, event_id=event_id), NOW, LEASE) == ClaimResult("run")


def test_the_longest_id_is_kept_whole(store: Store) -> None:
    assert store.claim(replace(ONE, event_id="e" * 254 + "1"), NOW, LEASE) == ClaimResult("run")
    assert store.claim(replace(ONE, event_id="e" * 254 + "2"), NOW, LEASE) == ClaimResult("run")


PAID = replace(ONE, object_id="pi_1", created=NOW)
OLDER = Claim("evt_2", "payment.created", "token-c", object_id="pi_1", created=NOW - 1)


@pytest.mark.parametrize("created", [NOW - 1, NOW, NOW + 1], ids=["older", "same", "newer"])
def test_an_event_runs_also_after_a_newer_one_of_its_object_and_is_told_of_it(store: Store, created: float) -> None:
    store.claim(PAID, NOW, LEASE)
    assert store.done(PAID, NOW)
    assert store.claim(replace(OLDER, created=created), NOW, LEASE) == ClaimResult("run", newest=NOW)


def test_one_event_of_an_object_runs_at_a_time(store: Store) -> None:
    store.claim(OLDER, NOW, LEASE)
    assert store.claim(PAID, NOW + 20, LEASE) == ClaimResult("busy", retry_after=40.0)
    assert store.done(OLDER, NOW + 21)
    assert store.claim(PAID, NOW + 22, LEASE) == ClaimResult("run", newest=NOW - 1)
    assert store.claim(replace(OLDER, event_id="evt_3"), NOW + 23, LEASE).decision == "busy"


def test_a_newer_event_waits_for_an_older_one_that_failed_until_patience_ends(store: Store) -> None:
    store.claim(OLDER, NOW, LEASE)
    assert store.renew(OLDER, 0.0, ())
    assert store.claim(PAID, NOW + 1, LEASE) == ClaimResult("busy", retry_after=60.0)
    assert store.claim(replace(OLDER, token="token-d"), NOW + 60, LEASE + 60).decision == "run"
    assert store.renew(replace(OLDER, token="token-d"), 0.0, ())
    later = NOW + PATIENCE_SECONDS
    assert store.claim(PAID, later - 1, later + 60).decision == "busy"
    assert store.claim(PAID, later, later + 60).decision == "run"
    assert store.done(PAID, later)
    assert store.claim(OLDER, later, later + 60) == ClaimResult("run", newest=NOW)


def test_an_older_event_does_not_wait_for_a_newer_one_that_failed(store: Store) -> None:
    store.claim(PAID, NOW, LEASE)
    assert store.renew(PAID, 0.0, ())
    assert store.claim(OLDER, NOW + 1, LEASE).decision == "run"


def test_a_renewed_lease_keeps_the_object_longer(store: Store) -> None:
    store.claim(OLDER, NOW, LEASE)
    assert store.renew(OLDER, LEASE + 60, ())
    assert store.claim(PAID, LEASE + 1, LEASE + 61).decision == "busy"


def test_of_events_of_one_object_that_are_claimed_at_once_at_most_one_runs(store: Store) -> None:
    workers, decisions = 8, Tally()
    start = threading.Barrier(workers)

    def work(worker: int) -> None:
        start.wait()
        mine = Claim(f"evt_{worker}", "payment.succeeded", f"token-{worker}", object_id="pi_1", created=NOW)
        decisions.count(store.claim(mine, NOW, LEASE).decision)
        close_database_of_this_thread()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decisions["run"] <= 1
    assert decisions["run"] + decisions["busy"] == workers


@pytest.mark.parametrize("store", TRANSACTIONAL_STORES, indirect=True)
def test_at_the_mark_an_event_that_was_overtaken_is_not_done(store: Store) -> None:
    """Its lease ended, a newer event of the object ran and was done: what this one wrote is undone by its caller."""
    store.claim(OLDER, NOW, LEASE)
    later = NOW + PATIENCE_SECONDS
    store.claim(PAID, later, later + 60)
    assert store.done(PAID, later)
    assert not store.done(OLDER, later + 1)
    again = store.claim(OLDER, later + 2, later + 62)
    assert again == ClaimResult("run", newest=NOW)
    assert store.done(replace(OLDER, newest=again.newest), later + 3)


def test_a_token_is_good_for_its_own_event_alone(store: Store) -> None:
    two = replace(ONE, event_id="evt_2")
    store.claim(ONE, NOW, LEASE)
    store.claim(two, NOW, LEASE)
    assert store.done(ONE, NOW)
    assert store.claim(replace(two, token="token-b"), NOW, LEASE).decision == "busy"
    assert store.claim(replace(two, token="token-b"), LEASE, LEASE + 60).decision == "run"
    assert store.claim(replace(ONE, token="token-b"), LEASE, LEASE + 60).decision == "duplicate"


def test_events_of_other_objects_or_of_none_are_in_nobodys_way(store: Store) -> None:
    store.claim(PAID, NOW, LEASE)
    for event_id, object_id in (("evt_2", "pi_2"), ("evt_3", "PI_1"), ("evt_4", None)):
        other = Claim(event_id, "payment.created", "token-c", object_id=object_id, created=NOW + 9)
        assert store.claim(other, NOW, LEASE) == ClaimResult("run")


@pytest.mark.parametrize("store", PRUNED_STORES, indirect=True)
def test_pruning_forgets_what_is_old_and_nothing_else(store: Store) -> None:
    old, new, running = ONE, replace(ONE, event_id="evt_2"), replace(ONE, event_id="evt_3")
    for claim, now in ((old, NOW - 100), (new, NOW)):
        store.claim(claim, now, now + 1)
        store.done(claim, now)
    store.claim(running, NOW - 100, NOW + 60)
    assert store.prune(NOW - 100) == 0
    assert store.prune(NOW - 50) == 1
    assert store.claim(old, NOW, LEASE).decision == "run"
    assert store.claim(new, NOW, LEASE).decision == "duplicate"
    assert store.claim(running, NOW, LEASE).decision == "busy"


def test_of_workers_that_claim_at_once_exactly_one_gets_each_event(store: Store) -> None:
    workers, events = 8, 25
    granted, decisions = Tally(), Tally()
    start = threading.Barrier(workers)

    def work(worker: int) -> None:
        start.wait()
        for number in range(events):
            result = store.claim(Claim(f"evt_{number}", "payment.succeeded", f"token-{worker}"), NOW, LEASE)
            decisions.count(result.decision)
            if result.decision == "run":
                granted.count(f"evt_{number}")
        close_database_of_this_thread()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert granted.counts() == {f"evt_{number}": 1 for number in range(events)}
    assert decisions.counts() == {"run": events, "busy": events * (workers - 1)}


def test_of_workers_that_take_over_at_once_exactly_one_gets_it(store: Store) -> None:
    workers = 8
    store.claim(ONE, NOW, LEASE)
    decisions = Tally()
    start = threading.Barrier(workers)

    def work(worker: int) -> None:
        start.wait()
        decisions.count(store.claim(replace(ONE, token=f"token-{worker}"), LEASE, LEASE + 60).decision)
        close_database_of_this_thread()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decisions.counts() == {"run": 1, "busy": workers - 1}


@pytest.mark.parametrize("store", ROW_STORES, indirect=True)
def test_a_lease_renewed_between_the_look_and_the_take_is_not_taken(
    store: EventClaims, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.claim(ONE, NOW, LEASE)
    _meanwhile(store, monkeypatch, lambda: store.renew(ONE, LEASE + 61, ()))
    assert store.claim(OTHER_WORKER, LEASE + 1, LEASE + 61) == ClaimResult("busy", retry_after=60.0)
    assert store.done(ONE, LEASE + 2)


@pytest.mark.parametrize("store", ROW_STORES, indirect=True)
def test_an_event_taken_and_given_back_between_the_look_and_the_take_is_not_taken(
    store: EventClaims, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ran meanwhile was not in what was seen, so it would run twice."""
    store.claim(ONE, NOW, LEASE)

    def take_and_give_back() -> None:
        store.claim(OTHER_WORKER, LEASE, LEASE + 60)
        store.renew(OTHER_WORKER, 0.0, ("shop.pay",))

    _meanwhile(store, monkeypatch, take_and_give_back)
    late = replace(ONE, token="token-c")
    assert store.claim(late, LEASE, LEASE + 60) == ClaimResult("busy", retry_after=1.0)
    assert store.claim(late, LEASE, LEASE + 60).finished == ("shop.pay",)


def _meanwhile(store: EventClaims, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Have something happen once, between the look of a claim and its take."""
    look, once = store._look, iter([happens])

    def look_and_let_happen(*args: Any) -> Any:
        seen = look(*args)
        for happen in once:
            happen()
        return seen

    monkeypatch.setattr(store, "_look", look_and_let_happen)
