"""What every store of a journal knows of entries by the objects that they are about: one list of facts for all."""

from __future__ import annotations

import pytest

from molam_sdk.journal import End, Entry, KeptAnswer, Wanted
from tests.support.journals import DONE, OPEN, REFUSED, Bench, asked

CAPTURE = {"operation": "capture_payment_intent", "path": "/v1/connect/payment_intents/pi_1/capture", "body": b"{}"}
HEARD = End("done", None, "event", answer=KeptAnswer(200, {}, b'{"id":"pi_1"}'))


def closing(_entry: Entry) -> End | None:
    return HEARD


def nothing(_entry: Entry) -> End | None:
    return None


def test_entries_are_found_by_the_id_in_their_path_or_their_answer(bench: Bench) -> None:
    bench.store.begin(asked("capture", **CAPTURE), 60)
    bench.left(DONE, "create")
    bench.left(OPEN, "other")
    assert [entry.key for entry in bench.store.about(["pi_1"])] == ["capture", "create"]
    assert bench.store.about(["pi_2"]) == bench.store.about([]) == []
    assert {entry.object_id for entry in bench.store.about(["pi_1", "pi_2"])} == {"pi_1"}


def test_an_entry_is_found_by_the_tag_that_its_body_carries(bench: Bench) -> None:
    body = b'{"payment_id":"pi_9","metadata":{"molam_entry":"abc"}}'
    bench.store.begin(asked("tagged", body=body), 60)
    assert [entry.tag for entry in bench.store.about(["abc"])] == ["abc"]


def test_an_event_closes_what_is_open_whoever_has_it(bench: Bench) -> None:
    bench.store.begin(asked("capture", **CAPTURE), 60)
    assert bench.store.hear(["pi_1"], closing) == 1
    entry = bench.entry("capture")
    assert (entry.state, entry.code, entry.answer, entry.lease_left) == ("done", "event", HEARD.answer, 0.0)
    assert bench.store.hear(["pi_1"], closing) == 0


def test_an_event_that_says_nothing_for_certain_closes_nothing(bench: Bench) -> None:
    bench.left(OPEN, "capture", **CAPTURE)
    assert bench.store.hear(["pi_1"], nothing) == 0
    assert bench.entry("capture").state == "open"
    assert bench.store.hear(["pi_2"], closing) == bench.store.hear([], closing) == 0


def test_a_review_is_closed_by_an_event(bench: Bench) -> None:
    bench.left(End("review", "unknown", "needs_review", note="compare"), "capture", **CAPTURE)
    assert bench.store.hear(["pi_1"], closing) == 1
    assert bench.entry("capture").state == "done"


def test_the_calls_own_answer_replaces_what_an_event_told(bench: Bench) -> None:
    wish = asked("capture", **CAPTURE)
    bench.store.begin(wish, 60)
    bench.store.hear(["pi_1"], closing)
    assert not bench.store.end("capture", wish.token, REFUSED)
    assert not bench.store.end("capture", wish.token, OPEN)
    assert not bench.store.end("capture", "another's", DONE)
    assert bench.store.end("capture", wish.token, DONE)
    assert bench.entry("capture").answer == DONE.answer
    assert not bench.store.end("capture", wish.token, DONE)


def test_when_an_object_was_heard_of_is_known_also_where_nothing_was_open(bench: Bench) -> None:
    bench.left(DONE, "create")
    assert bench.store.heard_at("pi_1") is None
    bench.store.hear(["pi_1"], closing)
    first = bench.store.heard_at("pi_1")
    assert first is not None
    assert abs(first - bench.store.time()) < 30
    assert bench.store.heard_at("pi_2") is None


def test_a_list_of_some_operations_first_used_since_then_and_not_seen(bench: Bench) -> None:
    for key in ("a", "b", "c", "d"):
        bench.left(DONE, key)
    bench.left(DONE, "capture", **CAPTURE)
    bench.aged("a", 7200)
    now = bench.store.time()
    bench.store.mark_seen(["b"], now)
    bench.store.mark_seen(["c"], now - 10)
    bench.store.mark_seen([], now)
    wanted = Wanted(open=False, operations=("create_refund", "x"), since=now - 3600, unseen_since=now)
    assert {entry.key for entry in bench.store.page(wanted)} == {"c", "d"}


def test_an_open_entry_is_taken_by_one_and_kept_by_whoever_has_it(bench: Bench) -> None:
    wish = asked("undo")
    bench.store.begin(wish, 60)
    assert bench.store.take("undo", "other", 60) is None
    assert bench.store.keep("undo", wish.token, b"plan", 60)
    bench.expired("undo")
    taken = bench.store.take("undo", "other", 60)
    assert taken is not None
    assert (taken.body, taken.token) == (b"plan", "other")
    assert taken.lease_left > 30
    assert not bench.store.keep("undo", wish.token, b"late", 60)
    bench.store.end("undo", "other", DONE)
    assert bench.store.take("undo", "third", 60) is None
    assert not bench.store.keep("undo", "other", b"late", 60)
    assert bench.store.take("nothing", "third", 60) is None


@pytest.mark.parametrize("undo_key", [None, "undo-1"])
def test_the_undo_that_a_call_is_a_step_of_is_kept(bench: Bench, undo_key: str | None) -> None:
    bench.store.begin(asked(undo_key=undo_key), 60)
    assert bench.entry().undo_key == undo_key
