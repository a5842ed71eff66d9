"""What every inbox does, told by one list of facts; time is passed in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from molam_sdk.store import Claim
from molam_sdk.store.events import EventClaims
from molam_sdk.store.inbox import Arrival, Inbox, InboxEvent, InboxFigures, UnknownEventError
from tests.support.tally import Tally
from tests.support.webhooks.stores import INBOX_STORES, close_database_of_this_thread

NOW = 1_800_000_000.0
LEASE = 60.0
BODY = b'{"id": "evt_1", "type": "payment.succeeded", "note": "\xc3\xa9 \\u0000"}'
ONE = Arrival("evt_1", "payment.succeeded", BODY, NOW - 5, "pi_1", headers={"traceparent": "00-a-b-01"})

pytestmark = pytest.mark.parametrize("store", INBOX_STORES, indirect=True)


@pytest.fixture
def inbox(store: EventClaims) -> Inbox:
    return store.inbox


def taken(inbox: Inbox, now: float = NOW, token: str = "a") -> InboxEvent:
    event = inbox.take(token, now, LEASE)
    assert event is not None
    return event


def claim_of(event: InboxEvent, token: str = "a") -> Claim:
    return Claim(event.event_id, event.event_type, token)


def of_object(event_id: str, created: float, object_id: str = "pi_1") -> Arrival:
    return Arrival(event_id, "payment.succeeded", b"{}", created, object_id, in_order=True)


def test_an_event_is_kept_whole_and_once(inbox: Inbox) -> None:
    assert inbox.store(ONE, NOW)
    assert not inbox.store(replace(ONE, body=b"other"), NOW + 1)
    event = inbox.show("evt_1")
    assert (event.event_id, event.event_type, event.body, event.headers) == (
        "evt_1",
        "payment.succeeded",
        BODY,
        {"traceparent": "00-a-b-01"},
    )
    assert (event.state, event.created, event.first_seen, event.due) == ("received", NOW - 5, NOW, NOW)
    assert (event.attempts, event.last_error, event.note, event.object_id) == (0, None, None, "pi_1")


def test_a_worker_takes_what_is_due_and_nobody_else_does_while_its_lease_holds(inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    event = taken(inbox)
    assert (event.event_id, event.attempts, event.body) == ("evt_1", 1, BODY)
    assert inbox.take("b", NOW + LEASE - 1, LEASE) is None


def test_an_event_whose_worker_died_goes_to_another_when_its_lease_has_ended(store: EventClaims, inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    taken(inbox)
    again = taken(inbox, NOW + LEASE, "b")
    assert again.attempts == 2
    assert not store.done(claim_of(again, "a"), NOW + LEASE)
    assert not inbox.fail(again, "a", NOW + LEASE, pause=1, error="late", finished=())
    assert store.done(claim_of(again, "b"), NOW + LEASE)


def test_a_lease_that_is_renewed_holds_longer(store: EventClaims, inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    event = taken(inbox)
    assert store.renew(claim_of(event), NOW + 200, ("shop.pay",))
    assert inbox.take("b", NOW + 100, LEASE) is None
    assert taken(inbox, NOW + 200, "b").finished == ("shop.pay",)


def test_an_event_that_was_given_back_is_due_at_once(store: EventClaims, inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    assert store.renew(claim_of(taken(inbox)), 0.0, ())
    assert taken(inbox, NOW + 1, "b").attempts == 2


def test_what_is_done_is_never_taken_again(store: EventClaims, inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    assert store.done(claim_of(taken(inbox)), NOW)
    assert inbox.take("b", NOW + 1e6, LEASE) is None
    assert not inbox.store(ONE, NOW + 1e6)
    assert inbox.show("evt_1").state == "done"


def test_what_failed_is_taken_again_after_its_pause_with_what_was_learned(inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    event = taken(inbox)
    assert inbox.fail(event, "a", NOW + 1, pause=30, error="Traceback: \0 \ud83d é", finished=("shop.pay",))
    assert inbox.take("b", NOW + 30, LEASE) is None
    again = taken(inbox, NOW + 31, "b")
    assert (again.state, again.attempts, again.finished) == ("failed", 2, ("shop.pay",))
    assert again.last_error == "Traceback: \\x00 \\ud83d é"


def test_what_was_given_up_is_taken_only_after_somebody_said_so(inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    assert inbox.bury(taken(inbox), "a", NOW, error="no such order", finished=())
    assert inbox.take("b", NOW + 1e6, LEASE) is None
    assert inbox.show("evt_1").state == "dead"
    inbox.retry("evt_1", NOW + 1e6)
    assert taken(inbox, NOW + 1e6, "b").attempts == 1


def test_what_was_resolved_is_over_with_its_note(store: EventClaims, inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    event = taken(inbox)
    inbox.resolve("evt_1", "shipped by hand", NOW)
    resolved = inbox.show("evt_1")
    assert (resolved.state, resolved.note, resolved.due) == ("resolved", "shipped by hand", None)
    assert not store.done(claim_of(event), NOW)
    assert store.claim(Claim("evt_1", "payment.succeeded", "c"), NOW, NOW + 60).decision == "duplicate"


@pytest.mark.parametrize("note", ["", " \n"])
def test_resolving_says_what_was_done(inbox: Inbox, note: str) -> None:
    inbox.store(ONE, NOW)
    with pytest.raises(ValueError, match="note is empty"):
        inbox.resolve("evt_1", note, NOW)


def test_what_is_over_is_neither_retried_nor_resolved_unless_again_is_said(store: EventClaims, inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    store.done(claim_of(taken(inbox)), NOW)
    with pytest.raises(UnknownEventError, match="it is done"):
        inbox.retry("evt_1", NOW)
    with pytest.raises(UnknownEventError, match="it is done"):
        inbox.resolve("evt_1", "by hand", NOW)
    inbox.retry("evt_1", NOW + 100, again=True)
    assert taken(inbox, NOW + 100, "b").attempts == 1


def test_all_that_failed_or_was_given_up_is_retried_at_once(store: EventClaims, inbox: Inbox) -> None:
    for number in range(4):
        inbox.store(replace(ONE, event_id=f"evt_{number}"), NOW)
    failed, dead, done = (taken(inbox) for _ in range(3))
    inbox.fail(failed, "a", NOW, pause=1e6, error="x", finished=())
    inbox.bury(dead, "a", NOW, error="x", finished=())
    store.done(claim_of(done), NOW)
    assert inbox.retry_failed(NOW) == 2
    assert {event.state for event in inbox.list()} == {"received"}
    assert inbox.retry_failed(NOW) == 0


def test_what_a_worker_has_is_not_retried(inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    taken(inbox)
    for again in (False, True):
        with pytest.raises(UnknownEventError, match="a worker has it"):
            inbox.retry("evt_1", NOW, again=again)


def test_what_is_not_here_is_said_to_be_so(inbox: Inbox, store: EventClaims) -> None:
    store.claim(Claim("evt_plain", "payment.succeeded", "a"), NOW, NOW + 60)
    for event_id in ("evt_none", "evt_plain"):
        with pytest.raises(UnknownEventError, match=f"no event {event_id}"):
            inbox.show(event_id)
        with pytest.raises(UnknownEventError, match="no event"):
            inbox.retry(event_id, NOW)
        with pytest.raises(UnknownEventError, match="no event"):
            inbox.resolve(event_id, "by hand", NOW)


def test_an_event_that_was_claimed_without_the_inbox_is_adopted_when_its_lease_ends(
    store: EventClaims, inbox: Inbox
) -> None:
    store.claim(Claim("evt_1", "payment.succeeded", "a"), NOW, NOW + 60)
    assert inbox.store(ONE, NOW)
    assert inbox.take("b", NOW + 59, LEASE) is None
    assert taken(inbox, NOW + 60, "b").body == BODY


@pytest.mark.parametrize("done", [False, True])
def test_who_has_an_adopted_event_settles_it(store: EventClaims, inbox: Inbox, done: bool) -> None:
    claim = Claim("evt_1", "payment.succeeded", "a")
    store.claim(claim, NOW, NOW + 60)
    inbox.store(ONE, NOW)
    assert store.done(claim, NOW + 1) if done else store.renew(claim, 0.0, ())
    assert (inbox.take("b", NOW + 1, LEASE) is None) is done


def test_nothing_that_is_not_done_is_ever_pruned(store: EventClaims, inbox: Inbox) -> None:
    def next_one(name: str) -> InboxEvent:
        inbox.store(replace(ONE, event_id=name), NOW)
        return taken(inbox)

    assert inbox.fail(next_one("evt_failed"), "a", NOW, pause=1e8, error="x", finished=())
    assert inbox.bury(next_one("evt_dead"), "a", NOW, error="x", finished=())
    assert store.done(claim_of(next_one("evt_done")), NOW)
    inbox.resolve(next_one("evt_resolved").event_id, "by hand", NOW)
    next_one("evt_leased")
    inbox.store(replace(ONE, event_id="evt_received"), NOW)
    assert store.prune(NOW + 1e9) == 2
    assert {event.event_id for event in inbox.list()} == {"evt_failed", "evt_dead", "evt_leased", "evt_received"}


def test_events_of_one_object_keep_the_order_in_which_they_were_created(store: EventClaims, inbox: Inbox) -> None:
    for arrival in (of_object("evt_3", NOW + 2), of_object("evt_1", NOW), of_object("evt_2", NOW + 1)):
        inbox.store(arrival, NOW)
    inbox.store(of_object("evt_other", NOW + 9, "pi_2"), NOW)
    order = []
    while event := inbox.take("a", NOW + 1, LEASE):
        beside = inbox.take("a", NOW + 1, LEASE)
        order.append({each.event_id for each in (event, beside) if each})
        for event_id in order[-1]:
            assert store.done(Claim(event_id, "payment.succeeded", "a"), NOW + 1)
    assert order == [{"evt_1", "evt_other"}, {"evt_2"}, {"evt_3"}]


def test_events_of_one_object_and_one_second_keep_the_order_in_which_they_came(
    store: EventClaims, inbox: Inbox
) -> None:
    for number, event_id in enumerate(("evt_c", "evt_a", "evt_b")):
        inbox.store(of_object(event_id, NOW), NOW + number)
    for event_id in ("evt_c", "evt_a", "evt_b"):
        assert taken(inbox, NOW + 9).event_id == event_id
        store.done(Claim(event_id, "payment.succeeded", "a"), NOW + 9)


def test_a_later_event_waits_for_an_earlier_one_that_failed_or_was_given_up(inbox: Inbox) -> None:
    inbox.store(of_object("evt_1", NOW), NOW)
    inbox.store(of_object("evt_2", NOW + 1), NOW)
    inbox.fail(taken(inbox), "a", NOW, pause=100, error="x", finished=())
    assert inbox.take("b", NOW + 99, LEASE) is None
    inbox.bury(taken(inbox, NOW + 100), "a", NOW + 100, error="x", finished=())
    assert inbox.take("b", NOW + 1e6, LEASE) is None
    inbox.resolve("evt_1", "shipped by hand", NOW + 1e6)
    assert taken(inbox, NOW + 1e6, "b").event_id == "evt_2"


def test_events_that_need_no_order_pass_each_other(inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    inbox.store(replace(ONE, event_id="evt_2"), NOW)
    assert {taken(inbox).event_id, taken(inbox).event_id} == {"evt_1", "evt_2"}


def test_lists_are_told_by_state_the_oldest_first_and_without_bodies(store: EventClaims, inbox: Inbox) -> None:
    for number in range(6):
        inbox.store(replace(ONE, event_id=f"evt_{number}"), NOW + number)
    for event in [taken(inbox, NOW + 9) for _ in range(2)]:
        inbox.bury(event, "a", NOW + 9, error="x", finished=())
    dead = list(inbox.list("dead"))
    assert [event.state for event in dead] == ["dead", "dead"]
    everything = list(inbox.list())
    assert [event.event_id for event in everything] == [f"evt_{number}" for number in range(6)]
    assert {event.body for event in everything} == {None}
    assert {event.body for event in inbox.list(bodies=True)} == {BODY}
    assert list(inbox.list("done", "resolved")) == []
    with pytest.raises(ValueError, match="'lost' is no state"):
        inbox.list("lost")  # type: ignore[arg-type]  # what a shell may say


def test_a_list_goes_on_over_its_pages(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("molam_sdk.store.inbox._PAGE", 3)
    names = [f"evt_{number}" for number in range(7)]
    for name in names:
        inbox.store(replace(ONE, event_id=name), NOW)
    assert sorted(event.event_id for event in inbox.list()) == names


def test_figures_count_what_is_not_done(store: EventClaims, inbox: Inbox) -> None:
    assert inbox.figures(NOW) == InboxFigures(0, 0, 0, 0, 0.0)
    for number in range(4):
        inbox.store(replace(ONE, event_id=f"evt_{number}"), NOW)
    events = [taken(inbox) for _ in range(3)]
    inbox.bury(events[0], "a", NOW, error="x", finished=())
    store.done(claim_of(events[1]), NOW)
    figures = InboxFigures(received=2, failed=0, dead=1, in_flight=1, oldest_seconds=50.0, waiting_seconds=50.0)
    assert inbox.figures(NOW + 50) == figures


def test_an_event_that_was_given_up_waits_for_nobody(inbox: Inbox) -> None:
    inbox.store(ONE, NOW)
    inbox.bury(taken(inbox), "a", NOW, error="x", finished=())
    figures = inbox.figures(NOW + 50)
    assert (figures.dead, figures.oldest_seconds, figures.waiting_seconds) == (1, 50.0, 0.0)


def test_of_workers_that_take_at_once_each_event_goes_to_one(inbox: Inbox) -> None:
    workers, events = 6, 24
    for number in range(events):
        inbox.store(replace(ONE, event_id=f"evt_{number}"), NOW)
    tally = Tally()
    start = threading.Barrier(workers)

    def work(worker: int) -> None:
        start.wait()
        misses = 0
        while misses < 30:
            event = inbox.take(f"token-{worker}", NOW, LEASE)
            if event is None:
                misses += 1
            else:
                tally.count(event.event_id)
        close_database_of_this_thread()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.counts() == {f"evt_{number}": 1 for number in range(events)}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_database_of_this_thread()
