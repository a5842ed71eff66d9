"""A merchant's process: `python -m tests.chaos.workers SETTINGS`, with threads, tasks, or alarms in the main thread."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from types import FrameType
from typing import Any

from molam_sdk import MolamAsyncClient, MolamError, MolamSyncClient, NetworkError
from molam_sdk.exceptions import Doubt
from tests.chaos.merchant import Ask, Merchant, OverdueError, Pause, Settings, TornError, current_call
from tests.chaos.orders import TENANTS, Order

HANDED_OVER = 3
"""The exit code of a process that leaves doubts to the next one."""

_WORDS = "time is up"
Perform = Callable[[Ask], Any]
AsyncPerform = Callable[[MolamAsyncClient, Ask], Awaitable[Any]]


def by_threads(merchant: Merchant) -> None:
    """Many threads, a client for each tenant."""
    with ExitStack() as stack, ThreadPoolExecutor(merchant.settings.width) as pool:
        perform = _performer(merchant, stack)
        list(pool.map(partial(_drive, merchant, perform), merchant.orders()))


def by_alarms(merchant: Merchant) -> None:
    """The main thread alone; a signal handler raises into half of the calls that take long enough."""
    alarm = _Alarm(random.Random(f"{merchant.settings.seed}:{merchant.settings.first}"))
    with ExitStack() as stack:
        plain = _performer(merchant, stack)
        for order in merchant.orders():
            _drive(merchant, partial(alarm.around, plain), order)


def by_tasks(merchant: Merchant) -> None:
    """Many tasks, a client for each tenant."""
    asyncio.run(_serve_by_tasks(merchant))


def by_limits(merchant: Merchant) -> None:
    """Many tasks; groups, gatherings and time limits give up half of the calls that take long enough."""
    chance = random.Random(f"{merchant.settings.seed}:{merchant.settings.first}")
    asyncio.run(_serve_by_tasks(merchant, partial(_limited, chance)))


KINDS = {"sync": by_threads, "async": by_tasks, "alarms": by_alarms, "limits": by_limits}


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
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        if self._armed:
            raise self._chance.choice((OverdueError, TornError))(_WORDS)


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


def _drive(merchant: Merchant, perform: Perform, order: Order) -> None:
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


async def _called(client: MolamAsyncClient, ask: Ask) -> Any:
    return await getattr(client, ask.method)(*ask.arguments, **ask.options)


async def _limited(chance: random.Random, client: MolamAsyncClient, ask: Ask) -> Any:
    """Perform a call; one in two is given up after a time, and then found as merchants find it."""
    if chance.random() < 0.5:
        return await _called(client, ask)
    seconds = chance.choice((0.003, 0.02, 0.3)) * chance.random()
    try:
        return await chance.choice(GIVING_UP)(_called(client, ask), seconds)
    except MolamError:
        raise
    except (asyncio.TimeoutError, asyncio.CancelledError) as ended:
        raise OverdueError(_WORDS) from _call_given_up(client, ask, ended)


def _call_given_up(client: MolamAsyncClient, ask: Ask, ended: BaseException) -> MolamError | None:
    """What is known of it: below what ended it, or, where a gathering lost that, in the client."""
    below: BaseException | None = ended
    while below is not None and not isinstance(below, MolamError):
        below = below.__cause__ or below.__context__
    if below is not None:
        return below
    key = ask.options.get("idempotency_key") or getattr(ask.arguments[0], "idempotency_key", None)
    found = next((doubt for doubt in client.in_doubt() if doubt.idempotency_key == key), None)
    return None if found is None else _error_of(found)


def _error_of(doubt: Doubt) -> MolamError:
    error = NetworkError(_WORDS)
    error.outcome, error.request, error.first_used_at = doubt.outcome, doubt.request, doubt.first_used_at
    error.operation, error.idempotency_key = doubt.request.operation, doubt.idempotency_key
    error.account, error.base_url = doubt.account, doubt.base_url
    return error


async def _in_a_group(call: Coroutine[Any, Any, Any], seconds: float) -> Any:
    """Its sibling fails, and the group cancels the call."""
    task_group: Any = getattr(asyncio, "TaskGroup", None)  # since Python 3.11
    if task_group is None:
        return await asyncio.wait_for(call, seconds)
    try:
        async with task_group() as group:
            sibling = group.create_task(_fail_after(seconds))
            paid = group.create_task(call)
            answer = await paid
            sibling.cancel()
        return answer
    except Exception as several:
        told = [one for one in getattr(several, "exceptions", ()) if isinstance(one, MolamError)]
        raise (told[0] if told else asyncio.TimeoutError(_WORDS)) from None


async def _fail_after(seconds: float) -> None:
    await asyncio.sleep(seconds)
    raise OverdueError(_WORDS)


async def _gathered(call: Coroutine[Any, Any, Any], seconds: float) -> Any:
    """The gathering is cancelled, and what its calls were is lost with it."""
    gathering = asyncio.gather(call, asyncio.sleep(0), return_exceptions=True)
    asyncio.get_running_loop().call_later(seconds, gathering.cancel)
    answer = (await gathering)[0]
    if isinstance(answer, BaseException):
        raise answer
    return answer


GIVING_UP: tuple[Callable[[Coroutine[Any, Any, Any], float], Awaitable[Any]], ...] = (
    asyncio.wait_for,
    _in_a_group,
    _gathered,
)


async def _serve_by_tasks(merchant: Merchant, perform: AsyncPerform = _called) -> None:
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
                await _drive_async(merchant, order, clients, perform)

        await asyncio.gather(*map(serve, merchant.orders()))


async def _drive_async(
    merchant: Merchant, order: Order, clients: dict[str, MolamAsyncClient], perform: AsyncPerform
) -> None:
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
                answer = await perform(clients[step.tenant], step)
            except (MolamError, OverdueError) as error:
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
