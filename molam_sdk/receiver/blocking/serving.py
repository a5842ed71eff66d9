# Generated from receiver/awaited/serving.py by ci/generate_blocking.py: edit that file, not this one.
"""A delivery whose signature holds, blocking: its event claimed, run and settled, and the answer to it."""

from __future__ import annotations

from ..delivery import IncomingDelivery, WebhookAnswer
from ..event_run import EventRun, LeaseLostError
from .execution import Execution


def serve(delivery: IncomingDelivery, run: EventRun, execution: Execution) -> WebhookAnswer:
    """Answer a delivery: handled, or why not. Raises only what stops the worker itself, the event given back."""
    try:
        claimed = execution.run_blocking(run.claim)
    except Exception as error:  # noqa: BLE001  # whatever a store raises, the sender gets an answer
        return delivery.answer("store_error", error=error)
    if claimed.decision != "run":
        return delivery.not_run(claimed)
    try:
        with delivery.traced():
            _run_handlers(run, execution)
    except LeaseLostError:
        return delivery.answer("lost")
    except Exception as error:  # noqa: BLE001  # whatever a handler raises, the event is given back
        execution.run_blocking(run.release)
        return delivery.answer("failed", error=error)
    except BaseException:
        execution.run_blocking(run.release)
        raise
    return delivery.answer("handled")


def _run_handlers(run: EventRun, execution: Execution) -> None:
    # The mark is the last write: if another worker has the event by now, what the transaction can undo is undone.
    with execution.transaction(run):
        for subscriber in run.pending:
            execution.run_handler(subscriber, run.event)
            execution.run_blocking(run.note_finished, subscriber)
        execution.run_blocking(run.mark_done)
