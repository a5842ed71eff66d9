"""Which functions an event goes to: registered by type or pattern, called in the order of registration."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, overload

from ..webhooks import DisputeEvent, PaymentEvent, PayoutEvent, RefundEvent, canonical_type
from ..webhooks.event import DisputeEventType, PaymentEventType, PayoutEventType, RefundEventType

OfPayment = TypeVar("OfPayment", bound=Callable[[PaymentEvent], object])
OfRefund = TypeVar("OfRefund", bound=Callable[[RefundEvent], object])
OfPayout = TypeVar("OfPayout", bound=Callable[[PayoutEvent], object])
OfDispute = TypeVar("OfDispute", bound=Callable[[DisputeEvent], object])
OfAny = TypeVar("OfAny", bound=Callable[[Any], object])


class Decorator(Protocol):
    """What ``on`` gives where the types are patterns: any function of one event passes, and stays what it is."""

    def __call__(self, function: OfAny, /) -> OfAny: ...


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A merchant's function. ``name`` stands in the store, so it must be the same in every worker."""

    name: str
    call: Callable[[Any], Any]
    is_async: bool
    pattern: re.Pattern[str]


class Subscribers:
    """Functions by the event types they want."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    @overload
    def on(self, *types: PaymentEventType) -> Callable[[OfPayment], OfPayment]: ...
    @overload
    def on(self, *types: RefundEventType) -> Callable[[OfRefund], OfRefund]: ...
    @overload
    def on(self, *types: PayoutEventType) -> Callable[[OfPayout], OfPayout]: ...
    @overload
    def on(self, *types: DisputeEventType) -> Callable[[OfDispute], OfDispute]: ...
    @overload
    def on(self, *types: str) -> Decorator: ...
    def on(self, *types: str) -> Any:
        """Decorate the function to call with such events: ``on("payment.succeeded")``, ``on("payment.*")``.

        ``*`` stands for any text; the longer form of a type counts as the short one. The function may be a
        coroutine function. It is called again after it raised, or after its worker died.
        """
        if not types or not all(types):
            raise ValueError("name the event types to react to: on('payment.succeeded') or on('*')")

        def register(function: OfAny) -> OfAny:
            self._register(types, function)
            return function

        return register

    def subscribers_of(self, event_type: str) -> list[Subscriber]:
        """Who gets an event of this type, in the order of registration."""
        name = canonical_type(event_type)
        return [subscriber for subscriber in self._subscribers if subscriber.pattern.fullmatch(name)]

    def _register(self, types: tuple[str, ...], function: Callable[[Any], Any]) -> None:
        name = _name_of(function)
        if any(subscriber.name == name for subscriber in self._subscribers):
            raise ValueError(f"{name} is registered already: name all its types in one on(), or rename one of the two")
        is_async = inspect.iscoroutinefunction(function)
        self._subscribers.append(Subscriber(name, function, is_async, _compiled(types)))


def _name_of(function: Callable[[Any], Any]) -> str:
    qualified = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{function.__module__}.{qualified}"


def _compiled(types: tuple[str, ...]) -> re.Pattern[str]:
    parts = [".*".join(map(re.escape, canonical_type(name).split("*"))) for name in types]
    return re.compile("|".join(parts), re.DOTALL)
