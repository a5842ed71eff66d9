"""An answer that is kept for a while, and never waited for long."""

from __future__ import annotations

import threading
import weakref

from molam_sdk._cached_answer import CachedAnswer, Known, ask_store


def test_an_answer_is_good_for_its_time() -> None:
    now, answers = [0.0], iter((1, 2))
    cached = CachedAnswer(lambda: next(answers), good_for=10, patience=30, clock=lambda: now[0])
    seen = [cached.known().value]
    for now[0] in (9.9, 10.0, 19.9):
        seen.append(cached.known().value)
    assert seen == [1, 1, 2, 2]


def test_a_question_that_hangs_is_asked_once_and_the_last_answer_stays() -> None:
    now, asked, released = [0.0], [0], threading.Event()

    def ask() -> int:
        asked[0] += 1
        if asked[0] == 2:
            released.wait(60)
        return asked[0]

    cached = CachedAnswer(ask, good_for=10, patience=0.01, clock=lambda: now[0])
    while cached.known() != Known(1):
        pass
    now[0] = 10.0
    assert [cached.known(), cached.known()] == [Known(1, "no answer yet")] * 2
    assert asked == [2]
    released.set()
    while cached.known() != Known(2):
        pass


def test_a_failure_is_named_by_its_kind_alone_and_asked_again_when_its_time_is_over() -> None:
    now, broken = [0.0], [True]

    def ask() -> str:
        if broken[0]:
            raise ConnectionError("postgresql://shop:password@db")
        return "here"

    cached = CachedAnswer(ask, good_for=10, patience=30, clock=lambda: now[0])
    assert cached.known() == Known(None, "ConnectionError")
    broken[0] = False
    assert cached.known() == Known(None, "ConnectionError")
    now[0] = 10.0
    assert cached.known() == Known("here")


def test_a_child_asks_again_where_its_parent_was_waiting() -> None:
    released = threading.Event()
    cached = CachedAnswer(lambda: released.wait(60), good_for=10, patience=0)
    assert cached.known().value is None
    cached.after_fork()
    released.set()
    while cached.known() != Known(True):
        pass


class _Store:
    left = 0

    def leave_thread(self) -> None:
        self.left += 1


def test_whoever_asks_a_store_leaves_its_thread_and_holds_nothing() -> None:
    store = _Store()
    held = weakref.ref(store)
    assert ask_store(held, lambda found: found.left) == 0
    assert store.left == 1
    del store
    assert ask_store(held, lambda found: found.left) is None
