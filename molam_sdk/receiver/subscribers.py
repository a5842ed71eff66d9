"""Which functions an event goes to: registered by type or pattern, called in the order of registration."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, overload

from ..webhooks import DisputeEvent, PaymentEvent, PayoutEvent, RefundEvent, canonical_type
from ..webhooks.event import DisputeEventType, PaymentEventType, PayoutEventType, RefundEventType
from .event_types import check_latest, check_types, compiled

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
    latest: bool = False
    after_commit: bool = False


class Subscribers:
    """Functions by the event types they want."""

    def __init__(self, *, has_client: bool = False) -> None:
        self._subscribers: list[Subscriber] = []
        self._has_client = has_client

    # fmt: off
    @overload
    def on(self, *types: PaymentEventType, latest: bool = ..., after_commit: bool = ..., name: str | None = ...) -> Callable[[OfPayment], OfPayment]: ...  # noqa: E501
    @overload
    def on(self, *types: RefundEventType, latest: bool = ..., after_commit: bool = ..., name: str | None = ...) -> Callable[[OfRefund], OfRefund]: ...  # noqa: E501
    @overload
    def on(self, *types: PayoutEventType, latest: bool = ..., after_commit: bool = ..., name: str | None = ...) -> Callable[[OfPayout], OfPayout]: ...  # noqa: E501
    @overload
    def on(self, *types: DisputeEventType, after_commit: bool = ..., name: str | None = ...) -> Callable[[OfDispute], OfDispute]: ...  # noqa: E501
    @overload
    def on(self, *types: str, latest: bool = ..., after_commit: bool = ..., name: str | None = ..., unknown_types: bool = ...) -> Decorator: ...  # noqa: E501
    # fmt: on
    def on(
        self,
        *types: str,
        latest: bool = False,
        after_commit: bool = False,
        name: str | None = None,
        unknown_types: bool = False,
    ) -> Any:
        """Decorate the function to call with such events: ``on("payment.succeeded")``, ``on("payment.*")``.

        ``*`` stands for any text; the longer form of a type counts as the short one. Plain functions run in the
        store's transaction, if it has one; then, outside of it, those with ``after_commit`` and coroutine functions.
        A function is called again after it raised, or after its worker died.

        ``latest`` asks the receiver's ``client`` for the object's present state: ``event.data`` is that, and
        ``event["data"]`` what was sent. ``name`` is what the store remembers the function by, where its own name will
        not do. ``unknown_types`` admits types that this version does not know.
        """
        check_types(types, unknown_types=unknown_types)
        if latest:
            check_latest(types)
            if not self._has_client:
                raise ValueError("latest=True asks Molam: WebhookReceiver(…, client=MolamSyncClient(…)) is wanted")

        def register(function: OfAny) -> OfAny:
            _check_handler(function)
            subscriber = Subscriber(
                self._free_name(function, name),
                function,
                _is_coroutine_function(function),
                compiled(types),
                latest,
                after_commit,
            )
            self._subscribers.append(subscriber)
            return function

        return register

    def subscribers_of(self, event_type: str) -> list[Subscriber]:
        """Who gets an event of this type, in the order of registration."""
        name = canonical_type(event_type)
        return [subscriber for subscriber in self._subscribers if subscriber.pattern.fullmatch(name)]

    def _free_name(self, function: Callable[[Any], Any], given: str | None) -> str:
        name = given or _name_of(function)
        taken = [subscriber for subscriber in self._subscribers if subscriber.name.partition("#")[0] == name]
        if not taken:
            return name
        if given or not _may_share_its_name(function) or any(each.call == function for each in taken):
            raise ValueError(
                f"{name} is registered already: name all its types in one on(), or give one of the two on(…, name=…)"
            )
        # The same in every worker, since all of them register in the same order.
        return f"{name}#{len(taken) + 1}"


def _unbound(function: Callable[[Any], Any]) -> Any:
    """What a partial or an object is called by."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if hasattr(function, "__qualname__") else type(function).__call__


def _is_coroutine_function(function: Callable[[Any], Any]) -> bool:
    return inspect.iscoroutinefunction(_unbound(function))


def _check_handler(function: Callable[[Any], Any]) -> None:
    if not callable(function):
        raise TypeError(f"a {type(function).__name__} cannot be called: register a function that takes one event")
    called = _unbound(function)
    if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
        raise TypeError(f"{_name_of(function)} is a generator function: calling it would run nothing of it")
    try:
        signature = inspect.signature(function)
    except ValueError:  # of some functions written in C nobody can tell
        return
    try:
        signature.bind(None)
    except TypeError as error:
        raise TypeError(f"{_name_of(function)}{signature} cannot be called with one event: {error}") from None


def _name_of(function: Callable[[Any], Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    owner = getattr(function, "__self__", None)
    # A Celery task's own name, for its delay: the method is called the same for every task.
    task = getattr(owner, "name", None) if not isinstance(owner, type) else None
    qualified = getattr(function, "__qualname__", None) or type(function).__qualname__
    module = getattr(function, "__module__", None) or type(function).__module__
    return f"{module}.{qualified}" + (f"({task})" if isinstance(task, str) and task else "")


def _may_share_its_name(function: Callable[[Any], Any]) -> bool:
    """Whether another function may have the name: not where a name stands for one function of a module."""
    if isinstance(function, functools.partial) or not hasattr(function, "__qualname__"):
        return True
    return getattr(function, "__self__", None) is not None or "<" in function.__qualname__
