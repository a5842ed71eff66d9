"""The journal worked on by Celery, where a shop has no wish for another kind of process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from celery import Celery

from ..client import MolamClient
from ..journal.entry import Entry

if TYPE_CHECKING:
    from celery import Task

__all__ = ["prune_task", "recover_task", "work_task"]

ClientSource = MolamClient | Callable[[], MolamClient]
"""The shop's client, or what gives the one of this process."""


def work_task(
    app: Celery,
    client: ClientSource,
    *,
    on_end: Callable[[Entry], object] | None = None,
    name: str = "molam.journal.work",
    for_seconds: float = 60.0,
) -> Task[..., int]:
    """A task that makes what was enqueued, for ``for_seconds`` at most, and tells how many operations it made or told.

    Give it to beat, every few seconds: any number of these tasks may run at once, and one that finds nothing ends at
    once. A broker that is away delays operations and loses none, since they are in the database. ``on_end`` as that of
    ``client.journal.work``.
    """

    def work() -> int:
        return _client(client).journal.worker(on_end=on_end).run_until_empty(for_seconds=for_seconds)

    task: Task[..., int] = _task(app, name, work)
    return task


def recover_task(
    app: Celery, client: ClientSource, *, name: str = "molam.journal.recover", per_second: float = 10.0
) -> Task[..., dict[str, int]]:
    """A task that settles what any worker left in doubt; how many entries stand in which state then. Give it to beat,
    every minute or so. It may be broken off: the next one goes on."""

    def recover() -> dict[str, int]:
        states: dict[str, int] = {}
        for entry in _client(client).recover(per_second=per_second):
            states[entry.state] = states.get(entry.state, 0) + 1
        return states

    task: Task[..., dict[str, int]] = _task(app, name, recover)
    return task


def prune_task(
    app: Celery, client: ClientSource, *, older_than: timedelta, name: str = "molam.journal.prune"
) -> Task[..., int]:
    """A task that forgets entries which ended so long ago; how many. Their keys bind no longer."""

    def prune() -> int:
        return _client(client).journal.prune(older_than=older_than)

    task: Task[..., int] = _task(app, name, prune)
    return task


def _client(source: ClientSource) -> MolamClient:
    return source if isinstance(source, MolamClient) else source()


def _task(app: Celery, name: str, function: Callable[[], Any]) -> Any:
    # Not shared: Celery would register it with every other app of this process too.
    return app.task(name=name, acks_late=True, shared=False)(function)
