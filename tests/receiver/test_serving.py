"""Serving a delivery, blocking and awaited: one list of scenarios, for plain functions and for coroutine functions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from molam_sdk.receiver import WebhookAnswer
from molam_sdk.store import Claim
from molam_sdk.webhooks import WebhookEvent
from tests.support.webhooks.deliveries import NOW, body_of, delivery_of
from tests.support.webhooks.shop import BrokenStore, Shop, told

Handler = Callable[[WebhookEvent], None]
EVENT = "payout.paid"


class Serving:
    """A way to deliver, and the kind of function that handlers are."""

    def __init__(self, awaited: bool, coroutines: bool) -> None:
        self._awaited, self._coroutines = awaited, coroutines

    def deliver(self, shop: Shop, event_id: str = "evt_1", **options: Any) -> WebhookAnswer:
        delivery = delivery_of(body_of(EVENT, id=event_id), now=shop.now)
        if self._awaited:
            return asyncio.run(shop.receiver.receive_async(*delivery, **options))
        return shop.receiver.receive(*delivery, **options)

    def register(self, shop: Shop, *handlers: Handler) -> None:
        for handler in handlers:
            shop.receiver.on(EVENT)(self._made(handler))

    def _made(self, handler: Handler) -> Any:
        if not self._coroutines:
            return handler

        async def coroutine(event: WebhookEvent) -> None:
            handler(event)

        coroutine.__qualname__ = handler.__qualname__
        return coroutine


@pytest.fixture(params=["blocking-plain", "blocking-coroutines", "awaited-plain", "awaited-coroutines"])
def serving(request: pytest.FixtureRequest) -> Serving:
    return Serving(awaited="awaited" in request.param, coroutines="coroutines" in request.param)


def take_over(shop: Shop) -> None:
    """The lease ends, and another worker takes the event."""
    shop.now += 61
    taken = shop.store.claim(Claim("evt_1", EVENT, "faster"), shop.now, shop.now + 60)
    assert taken.decision == "run"


def test_a_delivery_is_handled_once(serving: Serving) -> None:
    shop, ran = Shop(), []
    serving.register(shop, lambda event: ran.append(event.id))
    assert told(serving.deliver(shop)) == (200, "handled")
    assert told(serving.deliver(shop)) == (200, "duplicate")
    assert ran == ["evt_1"]


def test_after_a_failure_only_what_did_not_finish_runs_again(serving: Serving) -> None:
    shop, ran, failures = Shop(), [], [RuntimeError()]

    def first(event: WebhookEvent) -> None:
        ran.append("first")

    def second(event: WebhookEvent) -> None:
        ran.append("second")
        if failures:
            raise failures.pop()

    serving.register(shop, first, second)
    assert told(serving.deliver(shop)) == (500, "failed")
    assert told(serving.deliver(shop)) == (200, "handled")
    assert ran == ["first", "second", "second"]


def test_who_lost_the_lease_runs_none_of_the_handlers_that_are_left(serving: Serving) -> None:
    shop, ran = Shop(), []

    def slow(event: WebhookEvent) -> None:
        ran.append("slow")
        take_over(shop)

    def next_one(event: WebhookEvent) -> None:
        ran.append("next")

    serving.register(shop, slow, next_one)
    assert told(serving.deliver(shop)) == (409, "lost")
    assert ran == ["slow"]


def test_who_lost_the_lease_in_the_last_handler_does_not_end_the_delivery(serving: Serving) -> None:
    shop = Shop()
    serving.register(shop, lambda event: take_over(shop))
    assert told(serving.deliver(shop)) == (409, "lost")
    assert told(serving.deliver(shop)) == (409, "busy")


def test_each_handler_has_the_whole_lease_for_itself(serving: Serving) -> None:
    shop, others = Shop(), []

    def takes_50_seconds(event: WebhookEvent) -> None:
        shop.now += 50

    def takes_50_more(event: WebhookEvent) -> None:
        shop.now += 50
        others.append(shop.store.claim(Claim("evt_1", EVENT, "other"), shop.now, shop.now + 60).decision)

    serving.register(shop, takes_50_seconds, takes_50_more)
    assert told(serving.deliver(shop)) == (200, "handled")
    assert others == ["busy"]


@pytest.mark.parametrize(
    ("step", "fails", "expected", "runs"),
    [
        ("claim", False, (500, "store_error"), 0),
        ("renew", True, (500, "failed"), 1),
        ("done", False, (200, "handled"), 1),
        ("prune", False, (200, "handled"), 1),
    ],
)
def test_a_store_that_goes_away_is_answered(
    serving: Serving, step: str, fails: bool, expected: tuple[int, str], runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molam_sdk.receiver.event_run.PATIENCE_SECONDS", 0.0)
    shop, ran = Shop(BrokenStore(step)), []

    def handler(event: WebhookEvent) -> None:
        ran.append(event.id)
        if fails:
            raise RuntimeError

    serving.register(shop, handler)
    shop.now += 7200
    assert told(serving.deliver(shop)) == expected
    assert len(ran) == runs


@pytest.mark.parametrize("step", ["renew", "done"])
def test_a_store_that_comes_back_notes_what_ran(serving: Serving, step: str) -> None:
    store = BrokenStore()
    shop, ran = Shop(store), []

    def first(event: WebhookEvent) -> None:
        ran.append("first")
        store.broken = (step,) if step == "renew" else ()
        threading.Timer(0.1, lambda: setattr(store, "broken", ())).start()

    def second(event: WebhookEvent) -> None:
        ran.append("second")
        store.broken = ("done",) if step == "done" else ()
        threading.Timer(0.1, lambda: setattr(store, "broken", ())).start()

    serving.register(shop, first, second)
    assert told(serving.deliver(shop)) == (200, "handled")
    assert told(serving.deliver(shop)) == (200, "duplicate")
    assert ran == ["first", "second"]


def test_old_events_are_pruned_by_the_first_delivery_of_a_process_and_then_about_once_an_hour(serving: Serving) -> None:
    shop, later = Shop(retention_seconds=7200), []
    serving.register(shop, lambda event: None)

    def forgotten(event_id: str) -> bool:
        old = Claim(f"old of {event_id}", EVENT, "a")
        shop.store.claim(old, shop.now - 8000, shop.now - 8000)
        assert shop.store.done(old, shop.now - 8000)
        assert told(serving.deliver(shop, event_id, later=later.append)) == (200, "handled")
        assert shop.store.claim(old, shop.now, shop.now).decision == "duplicate"  # not before the answer
        while later:
            later.pop()()
        return shop.store.claim(old, shop.now, shop.now).decision == "run"

    assert forgotten("evt_1")
    shop.now = NOW + 3599
    assert not forgotten("evt_2")
    shop.now = NOW + 3600
    assert forgotten("evt_3")


def test_pruning_runs_in_a_thread_where_nobody_says_when(serving: Serving) -> None:
    shop, old = Shop(retention_seconds=7200), Claim("evt_old", EVENT, "a")
    serving.register(shop, lambda event: None)
    shop.store.claim(old, NOW - 8000, NOW - 8000)
    assert shop.store.done(old, NOW - 8000)
    assert told(serving.deliver(shop)) == (200, "handled")
    assert shop.receiver.close()
    assert shop.store.claim(old, shop.now, shop.now).decision == "run"
