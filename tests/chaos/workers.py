"""A merchant's process: `python -m tests.chaos.workers SETTINGS`, with threads, tasks, or alarms in the main thread."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from types import FrameType
from typing import Any

from molam_sdk import MolamAsyncClient, MolamError, MolamSyncClient, RequestValidationError
from tests.chaos.merchant import Ask, Merchant, OverdueError, Pause, Settings, TornError, current_call
from tests.chaos.orders import TENANTS, Order

HANDED_OVER = 3
"""The exit code of a process that leaves doubts to the next one."""

_WORDS = "time is up"
Perform = Callable[[Ask], Any]


def by_threads(merchant: Merchant) -> None:
    """Many threads, a client for each tenant."""
    with ExitStack() as stack, ThreadPoolExecutor(merchant.settings.width) as pool:
        perform = _performer(merchant, stack)
        list(pool.map(lambda order: _drive(merchant, order, perform), merchant.orders()))


def by_alarms(merchant: Merchant) -> None:
    """The main thread alone; a signal handler raises into half of the calls that take long enough."""
    alarm = _Alarm(random.Random(f"{merchant.settings.seed}:{merchant.settings.first}"))
    with ExitStack() as stack:
        plain = _performer(merchant, stack)
        for order in merchant.orders():
            _drive(merchant, order, lambda ask: alarm.around(plain, ask))


def by_tasks(merchant: Merchant) -> None:
    """Many tasks, a client for each tenant."""
    asyncio.run(_serve_by_tasks(merchant))


KINDS = {"sync": by_threads, "async": by_tasks, "alarms": by_alarms}


class _Alarm:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._armed = False
        signal.signal(signal.SIGALRM, self._ring)

    def around(self, perform: Perform, ask: Ask) -> Any:
        """Perform a call; one in two is interrupted after a time, if it takes that long."""
        try:
            if self._chance.random() < 0.5:
                self._armed = True
                signal.setitimer(signal.ITIMER_REAL, self._chance.choice((0.003, 0.02, 0.3)) * self._chance.random())
            return perform(ask)
        except Exception as problem:
            # Pydantic makes an error of its own of whatever is raised while it builds or reads a model.
            if _WORDS in str(problem) and (isinstance(problem, RequestValidationError) or _is_pydantics(problem)):
                raise OverdueError(_WORDS) from None
            raise
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        if self._armed:
            raise self._chance.choice((OverdueError, TornError))(_WORDS)


def _is_pydantics(problem: Exception) -> bool:
    return type(problem).__module__.startswith("pydantic_core")


def _performer(merchant: Merchant, stack: ExitStack) -> Perform:
    settings = merchant.settings
    clients = {
        tenant: stack.enter_context(MolamSyncClient(settings.config(tenant), **settings.breaker(tenant)))
        for tenant in TENANTS
    }

    def perform(ask: Ask) -> Any:
        current_call.set(ask.call)
        return getattr(clients[ask.tenant], ask.method)(*ask.arguments, **ask.options)

    return perform


def _drive(merchant: Merchant, order: Order, perform: Perform) -> None:
    """Carry out what the merchant decides."""
    plan = merchant.serve(order)
    step = next(plan, None)
    try:
        while step is not None:
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                step = next(plan)
                continue
            try:
                answer = perform(step)
            except (MolamError, OverdueError, TornError) as error:
                step = plan.throw(error)
            else:
                step = plan.send(answer)
    except StopIteration:
        return


async def _serve_by_tasks(merchant: Merchant) -> None:
    settings = merchant.settings
    turnstile = asyncio.Semaphore(settings.width)
    async with AsyncExitStack() as stack:
        clients = {
            tenant: await stack.enter_async_context(
                MolamAsyncClient(settings.config(tenant), **settings.breaker(tenant))
            )
            for tenant in TENANTS
        }

        async def serve(order: Order) -> None:
            async with turnstile:
                await _drive_async(merchant, order, clients)

        await asyncio.gather(*map(serve, merchant.orders()))


async def _drive_async(merchant: Merchant, order: Order, clients: dict[str, MolamAsyncClient]) -> None:
    plan = merchant.serve(order)
    step = next(plan, None)
    try:
        while step is not None:
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                step = next(plan)
                continue
            current_call.set(step.call)
            try:
                answer = await getattr(clients[step.tenant], step.method)(*step.arguments, **step.options)
            except MolamError as error:
                step = plan.throw(error)
            else:
                step = plan.send(answer)
    except StopIteration:
        return


def main() -> None:
    """Serve the orders of the settings that the command line holds as JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which ends its merchants
    logging.getLogger("molam_sdk").setLevel(logging.CRITICAL)
    settings = Settings(**json.loads(sys.argv[1]))
    merchant = Merchant(settings)
    KINDS[settings.kind](merchant)
    sys.exit(HANDED_OVER if merchant.handed_over else 0)


if __name__ == "__main__":
    main()
