"""Runs what blocks, here and now: the counterpart of the asyncio clients' threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ...exceptions import ConfigurationError
from ...store.database import SteppedDatabase

P = ParamSpec("P")
T = TypeVar("T")


class Work:
    """Nothing between a step and its caller."""

    def __call__(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the step answers."""
        return step(*args, **kwargs)

    def close(self) -> None:
        """Nothing to end."""


def work_for(store: object) -> Work:
    """How the steps of this store are run; ``ConfigurationError`` where that takes an event loop."""
    if isinstance(getattr(store, "database", None), SteppedDatabase):
        raise ConfigurationError(
            "journal: an AsyncEngine is for MolamAsyncClient; give this client create_engine(…) of the same database"
        )
    return Work()


def in_transaction(work: Work, transaction: object, step: Callable[[object], T]) -> T:
    """What the step answers in a transaction."""
    return work(step, transaction)
