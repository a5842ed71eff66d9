"""What is remembered of keys: which are in doubt, which are in use, for how long, and what may not be asked again."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import pytest

from molam_sdk import RequestValidationError
from molam_sdk._core.doubts import DoubtMemory, refuse_unless_safe, request_of, stronger
from molam_sdk._core.invocation import Invocation
from molam_sdk._core.operations import create_refund, delete_webhook_endpoint, retrieve_refund
from molam_sdk.exceptions import Doubt, Outcome
from molam_sdk.models import Refund

HOUR = 3600.0
URL = "https://api.test"


def refund(key: str = "k", payment: str = "pi_1") -> Invocation[Refund]:
    return create_refund({"payment_id": payment}, key)


class Memory(DoubtMemory):
    """Holds the invocations that its calls would hold."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.calls: list[Invocation[Any]] = []
        self.changing = threading.Lock()

    def begin(self, invocation: Invocation[Any]) -> Doubt | None:
        with self.changing:
            self.calls.append(invocation)
        return super().begin(invocation)

    def over(self, key: str, doubt: Doubt | None) -> Doubt | None:
        """The oldest call under this key ends: in doubt, or with a definite answer."""
        with self.changing:
            call = next((call for call in self.calls if call.idempotency_key == key), refund(key))
            self.calls = [other for other in self.calls if other is not call]
        return self.end(call, doubt, settled=doubt is None)


def doubt(key: str = "k", outcome: Outcome = "unknown", used_at: float = 100.0, **facts: str | None) -> Doubt:
    fields: dict[str, str | None] = {"account": "a", "base_url": URL} | facts
    return Doubt(outcome, request_of(refund(key)), used_at, **fields)


def test_a_key_in_doubt_is_so_for_the_next_call_until_it_is_settled() -> None:
    memory = Memory(10)
    assert memory.begin(refund()) is None
    memory.over("k", doubt())
    assert memory.begin(refund()) == doubt()
    assert (memory.find("k"), memory.all()) == (doubt(), (doubt(),))
    memory.over("k", None)
    assert (memory.find("k"), memory.all(), memory.age("k")) == (None, (), None)
    assert memory.begin(refund()) is None


@pytest.mark.parametrize(
    "other", [refund(payment="pi_2"), delete_webhook_endpoint("we_1", "k")], ids=["another body", "another operation"]
)
@pytest.mark.parametrize("left", ["in doubt", "running"])
def test_the_key_of_one_request_is_refused_to_another(other: Invocation[object], left: str) -> None:
    memory = Memory(10)
    memory.begin(refund())
    if left == "in doubt":
        memory.over("k", doubt())
    with pytest.raises(RequestValidationError) as caught:
        memory.begin(other)
    assert caught.value.message == (
        "idempotency key 'k' is in use, or in doubt, for another create_refund: a key belongs to one operation and one "
        "body. Resolve that one first, or use a new key for this one"
    )
    assert caught.value.outcome == "not_sent"
    if left == "in doubt":
        memory.begin(refund())
    memory.calls.remove(other)
    memory.over("k", None)
    assert memory.begin(other) is None


def test_a_call_that_still_runs_leaves_the_next_one_in_doubt() -> None:
    memory = Memory(10)
    memory.begin(refund())
    second = memory.begin(refund())
    assert second is not None
    assert (second.outcome, second.request, second.account) == ("unknown", request_of(refund()), None)
    memory.over("k", doubt())
    memory.over("k", None)
    assert memory.find("k") is None


def test_a_call_that_learned_nothing_leaves_the_doubt_of_another() -> None:
    memory = Memory(10)
    first, second = refund(), refund()
    memory.begin(first)
    memory.begin(second)
    running = memory.end(first, None, settled=False)
    assert running is not None
    assert running.outcome == "unknown"
    assert memory.end(second, doubt(), settled=False) == doubt()
    third = refund()
    memory.begin(third)
    assert memory.end(third, None, settled=False) == memory.find("k") == doubt()
    assert memory.end(third, None, settled=True) == doubt()  # told again
    fourth = refund()
    memory.begin(fourth)
    assert memory.end(fourth, None, settled=True) is memory.find("k") is None


def test_the_stronger_of_two_doubts_stays() -> None:
    memory = Memory(10)
    first, second = refund(), refund()
    for call in (first, second):
        memory.begin(call)
    memory.end(first, doubt(outcome="accepted"), settled=False)
    assert memory.end(second, doubt(used_at=50.0), settled=False) == doubt(outcome="accepted", used_at=50.0)


def test_a_call_that_was_torn_away_before_it_began_is_forgotten() -> None:
    memory = DoubtMemory(10)
    torn = refund()
    memory.begin(torn)
    assert memory.find("k") is not None
    del torn
    assert memory.find("k") is None
    assert memory.begin(refund(payment="pi_2")) is None


def test_what_still_runs_is_found_by_its_key_but_is_not_listed() -> None:
    memory = Memory(10)
    memory.begin(refund())
    running = memory.find("k")
    assert running is not None
    assert running.outcome == "unknown"
    assert running.first_used_at == pytest.approx(time.time(), abs=5)
    assert memory.all() == ()


def test_the_keys_longest_unused_are_forgotten_first() -> None:
    memory = Memory(3)
    for key in ("a", "b", "c"):
        memory.begin(refund(key))
        memory.over(key, doubt(key))
    memory.begin(refund("a"))
    memory.over("a", doubt("a"))
    memory.begin(refund("d"))
    assert [memory.find(key) is not None for key in "abcd"] == [True, False, True, True]
    memory.over("b", doubt("b"))  # of a call that ran longer than its key was remembered
    assert memory.find("b") is None


def test_doubts_are_listed_oldest_first() -> None:
    memory = Memory(10)
    for key, used_at in (("a", 3.0), ("b", 1.0), ("c", 2.0)):
        memory.begin(refund(key))
        memory.over(key, doubt(key, used_at=used_at))
    assert [found.idempotency_key for found in memory.all()] == ["b", "c", "a"]


def test_age_is_told_by_a_clock_that_does_not_jump() -> None:
    now = [5.0]
    memory = Memory(10, clock=lambda: now[0])
    memory.begin(refund())
    memory.over("k", doubt())
    now[0] += 7
    memory.begin(refund())
    assert memory.age("k") == 7.0


def test_threads_do_not_lose_each_others_keys() -> None:
    memory, interval = Memory(1000), sys.getswitchinterval()

    def work(name: str) -> None:
        for n in range(100):
            memory.begin(refund(f"{name}-{n}"))
            memory.over(f"{name}-{n}", doubt(f"{name}-{n}") if n % 2 else None)

    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(memory.all()) == 200


def test_a_child_keeps_the_doubts_and_takes_a_lock_of_its_own() -> None:
    memory = Memory(10)
    memory.begin(refund())
    memory.over("k", doubt())
    memory._lock.acquire()
    memory.after_fork()
    assert memory.find("k") == doubt()
    assert os.getpid() > 0


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (doubt(outcome="not_sent"), doubt(outcome="unknown", used_at=50.0), doubt(outcome="unknown", used_at=50.0)),
        (doubt(outcome="accepted", used_at=50.0), doubt(), doubt(outcome="accepted", used_at=50.0)),
        (doubt(account=None, base_url=None), doubt(), doubt()),
        (doubt(account=None), doubt(outcome="accepted", base_url=None), doubt(outcome="accepted")),
        (None, doubt(), doubt()),
        (doubt(), None, doubt()),
    ],
)
def test_two_sources_say_together_what_is_worse(one: Doubt | None, other: Doubt | None, both: Doubt) -> None:
    assert stronger(one, other) == stronger(other, one) == both


def used(hours_ago: float) -> Doubt:
    return doubt(used_at=time.time() - hours_ago * HOUR)


@pytest.mark.parametrize(
    ("left", "age", "account", "url"),
    [
        (used(0), None, "a", URL),
        (used(21), None, "a", URL),  # two hours below the limit: a row is as old as the whole run of tests
        (used(21), 22.9 * HOUR, "a", URL),
        (used(0), None, None, URL),
        (doubt(account=None, base_url=None, used_at=time.time()), None, "b", "https://elsewhere.test"),
        (used(-0.05), None, "a", URL),
        (used(-9), 1.0, "a", URL),
    ],
)
def test_what_may_be_asked_again(left: Doubt, age: float | None, account: str | None, url: str) -> None:
    refuse_unless_safe(left, age, account, url)


@pytest.mark.parametrize(
    ("left", "age", "account", "url", "why"),
    [
        (used(23.1), None, "a", URL, "first used 23 h ago and Molam forgets keys after 24 h"),
        (used(1), 23.1 * HOUR, "a", URL, "forgets keys after 24 h"),
        (used(-1), None, "a", URL, "first used in the future"),
        (used(0), None, "b", URL, "sent for account a, and this client's API key is of account b"),
        (
            used(0),
            None,
            "a",
            "https://eu.test",
            "^this was sent to https://api.test, and this client sends to https://eu.test, where the idempotency key "
            r"is unknown: asking there could carry it out twice. Use a client for the same base URL \(",
        ),
        (used(0), None, None, "https://eu.test", "sent to"),
    ],
)
def test_what_could_be_carried_out_twice_is_refused(
    left: Doubt, age: float | None, account: str | None, url: str, why: str
) -> None:
    with pytest.raises(RequestValidationError, match=why) as caught:
        refuse_unless_safe(left, age, account, url)
    assert caught.value.outcome == "not_sent"


def test_a_read_may_be_asked_again_however_old_it_is() -> None:
    read = Doubt("unknown", request_of(retrieve_refund("re_1")), time.time() - 100 * HOUR, "a", URL)
    refuse_unless_safe(read, None, "a", URL)


def test_a_call_that_is_told_to_have_ended_twice_settles_nothing_of_another_that_runs() -> None:
    memory = DoubtMemory(10)
    first, second = (create_refund({"payment_id": "pi_1"}, "told-twice") for _ in range(2))
    memory.begin(first)
    memory.begin(second)
    memory.end(first, None, settled=False)
    memory.end(first, None, settled=True)
    assert memory.find("told-twice") is not None


def test_an_error_of_a_call_that_cannot_begin_is_told_of_a_doubt_about_the_very_same() -> None:
    memory = DoubtMemory(10)
    first, same, other = (create_refund({"payment_id": name}, "refused") for name in ("pi_1", "pi_1", "pi_2"))
    memory.begin(first)
    memory.end(first, Doubt("unknown", request_of(first), 1.0, "a", "b"), settled=False)
    told = [RequestValidationError("no time") for _ in range(2)]
    memory.tell(same, told[0])
    memory.tell(other, told[1])
    assert [error.outcome for error in told] == ["unknown", "not_sent"]
    assert (told[0].request, told[0].first_used_at, told[0].account, told[0].base_url) == (
        request_of(first),
        1.0,
        "a",
        "b",
    )
