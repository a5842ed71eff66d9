"""Runs what blocks so that the event loop goes on: in threads of the journal's own, or in steps of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, ParamSpec, TypeVar

from ..._forks import renew_after_fork
from ..._to_its_end import to_its_end
from ...store.database import SteppedDatabase

P = ParamSpec("P")
T = TypeVar("T")

_THREADS: Final = 16


class Work:
    """A few threads, begun when first needed. Who is cancelled waits for the step to end: what comes after must."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        renew_after_fork(self)

    async def __call__(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the step answers."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, "molam-journal")
        run = copy_context().run
        future = asyncio.get_running_loop().run_in_executor(self._threads, lambda: run(step, *args, **kwargs))
        return await to_its_end(future)

    def after_fork(self) -> None:
        """The parent's threads are not here."""
        self._threads = None

    def close(self) -> None:
        """Let the threads end."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False)


class WorkInSteps:
    """Steps of the loop itself, for a database of its own kind. Who is cancelled waits for the end here too."""

    async def __call__(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the step answers."""
        from ..._greenlets import run_step

        return await to_its_end(run_step(step, *args, **kwargs))

    def close(self) -> None:
        """Nothing to end."""


def work_for(store: object) -> Work | WorkInSteps:
    """How the steps of this store are run."""
    return WorkInSteps() if isinstance(getattr(store, "database", None), SteppedDatabase) else Work()


async def in_transaction(work: Work | WorkInSteps, transaction: Any, step: Callable[[Any], T]) -> T:
    """What the step answers in a transaction: an ``AsyncSession``'s or ``AsyncConnection``'s runs it by itself."""
    if hasattr(transaction, "run_sync"):
        answer: T = await transaction.run_sync(step)
        return answer
    return await work(step, transaction)
