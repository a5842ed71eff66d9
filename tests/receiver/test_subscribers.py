"""Which functions an event goes to."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest

from molam_sdk.webhooks import WebhookEvent
from tests.support.webhooks.shop import Shop, told


def test_handlers_run_in_order_and_a_finished_one_does_not_run_again(shop: Shop) -> None:
    ran: list[str] = []
    fails = True

    @shop.receiver.on("payout.*")
    def first(event: WebhookEvent) -> None:
        ran.append("first")

    @shop.receiver.on("payout.paid")
    def second(event: WebhookEvent) -> None:
        ran.append("second")
        if fails:
            raise RuntimeError

    assert told(shop.deliver(event_type="payout.paid")) == (500, "failed")
    fails = False
    assert told(shop.deliver(event_type="payout.paid")) == (200, "handled")
    assert ran == ["first", "second", "second"]


@pytest.mark.parametrize(
    ("patterns", "event_type", "matches"),
    [
        (("payment.succeeded",), "payment.succeeded", True),
        (("payment.succeeded",), "payment.intent.succeeded", True),
        (("payment.intent.succeeded",), "payment.succeeded", True),
        (("payment.succeeded",), "payment.succeeded.not", False),
        (("payment.succeeded",), "paymentXsucceeded", False),
        (("payment.*",), "payment.brand_new", True),
        (("payment.*",), "payment.refund.succeeded", False),
        (("refund.*",), "payment.refund.succeeded", True),
        (("*",), "dispute.created", True),
        (("*.failed", "*.created"), "refund.failed", True),
        (("*.failed", "*.created"), "refund.succeeded", False),
    ],
)
def test_patterns(shop: Shop, patterns: tuple[str, ...], event_type: str, matches: bool) -> None:
    @Shop().receiver.on(*patterns, unknown_types=True)
    def other_shops_function(event: WebhookEvent) -> None: ...

    shop.receiver.on(*patterns, unknown_types=True)(other_shops_function)
    assert (other_shops_function in [s.call for s in shop.receiver.subscribers_of(event_type)]) is matches


@pytest.mark.parametrize("patterns", [(), ("",), ("payment.*", "")])
def test_a_registration_without_a_type_is_refused(shop: Shop, patterns: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="name the event types"):
        shop.receiver.on(*patterns)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("payment.suceeded", ": did you mean 'payment.succeeded'?"),
        ("payment.intent.suceeded", ": did you mean 'payment.succeeded'?"),
        ("payments.*", ""),
        ("payment.succeeded ", ": did you mean 'payment.succeeded'?"),
        ("Payment.*", ""),
        ("brand.new", ""),
    ],
)
def test_a_type_that_nothing_is_called_is_refused_unless_it_is_meant(shop: Shop, name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=f"^no event type is called {name!r}{hint}".replace("?", "[?]")):
        shop.receiver.on("payment.failed", name)
    shop.receiver.on(name, unknown_types=True)(lambda event: None)


def test_a_type_that_is_no_text_is_refused(shop: Shop) -> None:
    with pytest.raises(ValueError, match="name the event types"):
        shop.receiver.on(print)  # type: ignore[call-overload]  # @receiver.on without its parentheses


def test_one_function_registered_twice_is_refused(shop: Shop) -> None:
    with pytest.raises(ValueError, match=r"registered already: name all its types in one on\(\), or give one"):
        shop.receiver.on("payout.paid")(shop.fulfil)


def test_two_functions_of_a_module_with_one_name_are_refused(shop: Shop) -> None:
    """The second hides the first, or the module was loaded twice."""
    first, second = (types.FunctionType(told.__code__, {"__name__": "shop"}) for _ in range(2))
    shop.receiver.on("payout.paid")(first)
    with pytest.raises(ValueError, match=r"^shop.told is registered already"):
        shop.receiver.on("payout.failed")(second)
    shop.receiver.on("payout.failed", name="shop.told_2")(second)
    with pytest.raises(ValueError, match=r"^shop.told_2 is registered already"):
        shop.receiver.on("payout.created", name="shop.told_2")(second)


class Task:
    """As Celery has them: each task has its name, and all of them the same ``delay``."""

    def __init__(self, name: object, ran: list[str]) -> None:
        self.name, self._ran = name, ran

    def delay(self, event: WebhookEvent) -> None:
        self._ran.append(str(self.name))


def test_methods_of_two_instances_and_closures_of_one_maker_are_different_handlers() -> None:
    shop, ran = Shop(), []
    fails = [RuntimeError()]

    def made(number: int) -> Callable[[WebhookEvent], None]:
        def handler(event: WebhookEvent) -> None:
            ran.append(f"made {number}")
            if number == 2 and fails:
                raise fails.pop()

        return handler

    handlers: list[Callable[[WebhookEvent], None]] = [
        Task("ship", ran).delay,
        Task("mail", ran).delay,
        Task(None, ran).delay,
        Task(None, ran).delay,
        made(1),
        made(2),
        functools.partial(Task.delay, Task("partial", ran)),
        functools.partial(Task.delay, Task("another partial", ran)),
    ]
    for handler in handlers:
        shop.receiver.on("payout.paid")(handler)
    names = [subscriber.name for subscriber in shop.receiver.subscribers_of("payout.paid")]
    assert len(set(names)) == len(handlers)
    assert names[:4] == [f"{__name__}.Task.delay{which}" for which in ("(ship)", "(mail)", "", "#2")]
    assert told(shop.deliver(event_type="payout.paid")) == (500, "failed")
    assert told(shop.deliver(event_type="payout.paid")) == (200, "handled")
    assert ran == ["ship", "mail", "None", "None", "made 1", "made 2", "made 2", "partial", "another partial"]


def test_the_delay_of_two_celery_tasks_can_be_registered() -> None:
    from celery import Celery

    app, shop = Celery("shop"), Shop()

    def work(event: WebhookEvent) -> None: ...

    ship, mail = (app.task(work, name=name, lazy=False) for name in ("ship", "mail"))
    shop.receiver.on("payout.paid")(ship.delay)
    shop.receiver.on("payout.paid")(mail.delay)
    names = [subscriber.name for subscriber in shop.receiver.subscribers_of("payout.paid")]
    assert names == ["celery.app.task.Task.delay(ship)", "celery.app.task.Task.delay(mail)"]
    with pytest.raises(ValueError, match="registered already"):
        shop.receiver.on("payout.paid")(ship.delay)


def two_wanted(event: WebhookEvent, why: str) -> None: ...


@pytest.mark.parametrize(
    "function", [None, 3, "ship", lambda: None, two_wanted, functools.partial(two_wanted, why="", event=None), [print]]
)
def test_what_cannot_be_called_with_one_event_is_refused_at_registration(shop: Shop, function: Any) -> None:
    with pytest.raises(TypeError, match="cannot be called"):
        shop.receiver.on("payout.paid")(function)


@pytest.mark.parametrize("function", [print, [].append, Mock(), functools.partial(two_wanted, why=""), lambda *_: None])
def test_what_can_be_called_with_one_event_is_taken(shop: Shop, function: Any) -> None:
    shop.receiver.on("payout.paid")(function)
    assert shop.receiver.subscribers_of("payout.paid")
