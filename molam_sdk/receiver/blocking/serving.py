# Generated from receiver/awaited/serving.py by ci/generate_blocking.py: edit that file, not this one.
"""A delivery whose signature holds, blocking: its event claimed, run and settled, and the answer to it."""

from __future__ import annotations

from ..delivery import IncomingDelivery, WebhookAnswer
from ..event_run import EventRun, LeaseLostError, StoreFailedError, result_of
from .execution import Execution


def serve(delivery: IncomingDelivery, run: EventRun, execution: Execution) -> WebhookAnswer:
    """Answer a delivery: handled, or why not. Raises only what stops the worker itself, the event given back."""
    try:
        with delivery.traced():
            claimed = execution.begin(run)
            if claimed.decision != "run":
                return delivery.not_run(claimed)
            if run.to_await:
                _run_awaited(run, execution)
    except StoreFailedError as error:
        return delivery.answer(result_of(error), error=error)
    except LeaseLostError:
        execution.give_back(run)
        return delivery.answer("lost")
    except Exception as error:  # noqa: BLE001  # whatever a handler raises, the event is given back
        execution.give_back(run)
        return delivery.answer(result_of(error), error=error)
    except BaseException:
        execution.give_back(run)
        raise
    return delivery.answer("handled")


def _run_awaited(run: EventRun, execution: Execution) -> None:
    while run.to_await:
        subscriber, awaitable = run.to_await.pop(0)
        execution.run_awaitable(subscriber, awaitable, run)
        execution.run_step(run, run.note_finished, subscriber)
    execution.run_step(run, run.mark_done)
