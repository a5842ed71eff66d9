"""The webhook inbox worked on by Celery, where a shop has no wish for another kind of process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Celery

from ..receiver import WebhookReceiver

if TYPE_CHECKING:
    from celery import Task

__all__ = ["webhook_task"]


def webhook_task(
    app: Celery, receiver: WebhookReceiver, *, name: str = "molam.webhooks.work", for_seconds: float = 60.0
) -> Task[..., int]:
    """A task that runs what is due in the inbox, for ``for_seconds`` at most, and tells how many events it ran.

    Give it to beat, every few seconds: any number of these tasks may run at once, and one that finds nothing ends at
    once. A broker that is away delays events and loses none, since they are in the database.
    """
    receiver.worker()  # a receiver without an inbox is refused here, not in a worker

    def work() -> int:
        return receiver.worker().run_until_empty(for_seconds=for_seconds)

    # Not shared: Celery would register it with every other app of this process too.
    task: Any = app.task(name=name, acks_late=True, shared=False)(work)
    return task  # type: ignore[no-any-return]  # what app.task gives depends on its options
