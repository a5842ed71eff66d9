"""What every store of a journal does: one list of facts for all of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from molam_sdk.journal import Decision, End, Wanted
from tests.support.journals import DONE, FREE, OPEN, REFUSED, Bench, asked

SEND, REPLAY, WAIT, REFUSE = Decision.SEND, Decision.REPLAY, Decision.WAIT, Decision.REFUSE


def test_a_new_key_is_written_and_may_be_sent(bench: Bench) -> None:
    wish = asked(body=b"\x00\xff'\"", actor="user:7", trace_id="4bf92f")
    begun = bench.store.begin(wish, 60)
    entry = bench.entry()
    assert (begun.ruling.decision, begun.found) == (SEND, None)
    assert (entry.state, entry.outcome, entry.attempts, entry.answer) == ("open", None, 0, None)
    assert (entry.operation, entry.method, entry.path, entry.body) == (
        wish.operation,
        wish.method,
        wish.path,
        wish.body,
    )
    assert (entry.account, entry.base_url, entry.actor, entry.trace_id) == (
        "acc",
        "https://api.test",
        "user:7",
        "4bf92f",
    )
    assert entry.body_hash == wish.body_hash
    assert 0 <= entry.age < 30
    assert 30 < entry.lease_left <= 60


def test_a_key_that_nobody_used_has_no_entry(bench: Bench) -> None:
    assert bench.store.find("order-7") is None


def test_keys_that_differ_in_case_or_blanks_are_two_keys(bench: Bench) -> None:
    for key in ("order-a", "ORDER-A", "order-a."):
        assert bench.store.begin(asked(key), 60).found is None
    assert len(bench.store.page(Wanted())) == 3


def test_a_key_that_another_call_has_is_waited_for(bench: Bench) -> None:
    bench.store.begin(asked(), 60)
    begun = bench.store.begin(asked(), 60)
    assert begun.ruling.decision is WAIT
    assert begun.found is not None


def test_an_end_is_kept_and_given_again(bench: Bench) -> None:
    entry = bench.left(DONE)
    assert (entry.state, entry.outcome, entry.code, entry.request_id) == ("done", None, "201", "req_1")
    assert (entry.attempts, entry.answer, entry.lease_left) == (1, DONE.answer, 0.0)
    assert entry.ended_at is not None
    begun = bench.store.begin(asked(), 60)
    assert (begun.ruling.decision, begun.found and begun.found.answer) == (REPLAY, DONE.answer)


def test_what_another_worker_left_open_is_taken_over_in_doubt(bench: Bench) -> None:
    bench.store.begin(asked(), 60)
    bench.expired("order-7")
    begun = bench.store.begin(asked(), 60)
    assert begun.ruling.decision is SEND
    assert (bench.entry().outcome, bench.entry().state) == ("unknown", "open")


def test_a_take_over_keeps_the_first_use(bench: Bench) -> None:
    bench.left(OPEN)
    bench.aged("order-7", 1000)
    bench.store.begin(asked(), 60)
    assert 1000 <= bench.entry().age < 1030


def test_nothing_was_done_so_the_key_begins_anew(bench: Bench) -> None:
    bench.left(FREE)
    bench.aged("order-7", 100_000)
    begun = bench.store.begin(asked(account="new"), 60)
    entry = bench.entry()
    assert begun.ruling.decision is REFUSE  # of another account
    begun = bench.store.begin(asked(), 60)
    entry = bench.entry()
    assert (begun.ruling.decision, entry.state, entry.outcome, entry.ended_at) == (SEND, "open", None, None)
    assert entry.age < 30
    assert entry.attempts == 1


@pytest.mark.parametrize("end", [DONE, REFUSED], ids=["done", "refused"])
def test_what_is_final_is_taken_from_whoever_knows_it_once(bench: Bench, end: End) -> None:
    bench.store.begin(asked(), 60)
    assert bench.store.end("order-7", "another worker's", end)
    assert not bench.store.end("order-7", "another worker's", OPEN)
    assert not bench.store.end("order-7", "another worker's", REFUSED)
    assert bench.entry().state == end.state


@pytest.mark.parametrize("end", [FREE, OPEN, End("review", "unknown", "x", note="n")], ids=lambda end: end.state)
def test_what_is_not_final_is_taken_only_from_who_has_it(bench: Bench, end: End) -> None:
    first = asked()
    bench.store.begin(first, 60)
    assert not bench.store.end("order-7", "another worker's", end)
    assert bench.entry().lease_left > 0
    assert bench.store.end("order-7", first.token, end)
    assert bench.entry().state == end.state


def test_a_doubt_is_never_forgotten_by_a_call_that_was_not_sent(bench: Bench) -> None:
    bench.left(OPEN)
    second = asked()
    bench.store.begin(second, 60)
    assert bench.store.end("order-7", second.token, FREE)
    entry = bench.entry()
    assert (entry.state, entry.outcome, entry.lease_left, entry.attempts) == ("open", "unknown", 0.0, 2)


def test_a_doubt_that_came_before_the_journal_is_one_in_it(bench: Bench) -> None:
    bench.store.begin(asked(age=3600.0, outcome="accepted"), 60)
    entry = bench.entry()
    assert entry.outcome == "accepted"
    assert 3600 <= entry.age < 3630


def test_nobody_ends_what_never_began(bench: Bench) -> None:
    assert not bench.store.end("order-7", "token", DONE)


def test_one_of_many_gets_a_key(bench: Bench) -> None:
    with ThreadPoolExecutor(8) as pool:
        decisions = list(pool.map(lambda _: bench.store.begin(asked(), 60).ruling.decision, range(24)))
    assert decisions.count(SEND) == 1
    assert decisions.count(WAIT) == 23


def test_one_of_many_takes_over(bench: Bench) -> None:
    bench.store.begin(asked(), 60)
    bench.expired("order-7")
    with ThreadPoolExecutor(8) as pool:
        decisions = list(pool.map(lambda _: bench.store.begin(asked(), 60).ruling.decision, range(24)))
    assert decisions.count(SEND) == 1


def test_a_list_is_in_order_page_by_page_and_open_ones_come_first(bench: Bench) -> None:
    for number in range(7):
        bench.left(OPEN if number % 2 else DONE, f"order-{number}")
        bench.aged(f"order-{number}", 1000.0 if number < 4 else 2000.0)  # several at the same moment
    found, wanted = [], Wanted(limit=2)
    while page := bench.store.page(wanted):
        assert len(page) <= 2
        found += page
        wanted = Wanted(limit=2, after=page[-1])
    assert [entry.state for entry in found] == ["open"] * 3 + ["done"] * 4
    assert len({entry.key for entry in found}) == 7
    for one, next_one in pairwise(found):
        assert one.state != next_one.state or one.first_used_at <= next_one.first_used_at


def test_a_list_of_what_is_open_or_ended_alone(bench: Bench) -> None:
    for end in (DONE, REFUSED, FREE, OPEN, End("review", "unknown", "x")):
        bench.left(end, f"order-{end.state}")
    assert {entry.state for entry in bench.store.page(Wanted(open=True))} == {"open", "review"}
    assert {entry.state for entry in bench.store.page(Wanted(open=False))} == {"done", "refused", "free"}


def test_what_a_worker_has_is_not_due(bench: Bench) -> None:
    bench.store.begin(asked("order-1"), 60)
    bench.left(OPEN, "order-2")
    assert [entry.key for entry in bench.store.page(Wanted(open=True, due=True))] == ["order-2"]
    assert len(bench.store.page(Wanted(open=True))) == 2


def test_a_list_of_one_account_and_host_has_those_of_nobody_known(bench: Bench) -> None:
    bench.left(OPEN, "order-1")
    bench.left(OPEN, "order-2", account="other")
    bench.left(OPEN, "order-3", account=None)
    bench.left(OPEN, "order-4", base_url="https://other.test")
    found = bench.store.page(Wanted(account="acc", base_url="https://api.test"))
    assert {entry.key for entry in found} == {"order-1", "order-3"}


def test_pruning_takes_what_ended_and_never_what_is_open(bench: Bench) -> None:
    for end in (DONE, REFUSED, FREE, OPEN, End("review", "unknown", "x")):
        bench.left(end, f"order-{end.state}")
    bench.left(DONE, "order-new")
    for state in ("done", "refused", "free", "open", "review"):
        bench.aged(f"order-{state}", 1000)
    assert bench.store.prune(500) == 0  # they ended just now
    for state in ("done", "refused", "free", "open", "review"):
        bench.set(f"order-{state}", "ended_at" if "Memory" in type(bench.store).__name__ else "ended", 1.0)
    assert bench.store.prune(500) == 3
    assert bench.keys() == {"order-open", "order-review", "order-new"}


def test_an_entry_of_a_state_that_nobody_knows_is_an_error(bench: Bench) -> None:
    bench.left(OPEN)
    bench.set("order-7", "state", "tomorrow's")
    with pytest.raises(ValueError, match="does not know"):
        bench.store.begin(asked(), 60)


def test_the_figures_tell_what_runs_what_is_in_doubt_and_since_when(bench: Bench) -> None:
    figures = bench.store.figures  # type: ignore[attr-defined]  # no part of the seam, and every store of ours has it
    assert (figures().running, figures().in_doubt, figures().review, figures().oldest_doubt_seconds) == (0, 0, 0, 0)
    for key in ("runs", "done", "doubt", "dead", "review"):
        bench.store.begin(wish := asked(key), 60)
        if key in ("done", "doubt", "review"):
            end = {"done": DONE, "doubt": OPEN, "review": End("review", "unknown", "timeout", 1)}[key]
            bench.store.end(key, wish.token, end)
    bench.expired("dead")
    bench.aged("dead", 1200)
    bench.aged("runs", 7200)
    found = figures()
    assert (found.running, found.in_doubt, found.review) == (1, 2, 1)
    assert 1200 <= found.oldest_doubt_seconds < 1260
