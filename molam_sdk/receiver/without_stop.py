"""The one exception that no future takes, so that whoever awaits it would wait for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def call_without_stop(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function returns. A ``StopIteration``, as of ``next(…)`` on nothing, is a ``RuntimeError`` here, as it
    is of a generator (PEP 479)."""
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        raise RuntimeError("StopIteration: next(…) found nothing") from error
