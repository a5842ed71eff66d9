"""No permit is lost, whichever way a wait for one ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from molam_sdk._transport.awaited.semaphore import Grant, Permit, Semaphore


def hour() -> float:
    """How long every permit may be held."""
    return 3600.0


def permit(grant: Grant[Any]) -> Permit:
    """The one that was granted."""
    assert grant.permit is not None
    return grant.permit


class Thing:
    """Something that can be handed over, and knows whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


async def test_no_permit_is_lost_when_waiting_is_given_up() -> None:
    semaphore: Semaphore[Thing] = Semaphore(1)
    first = await semaphore.acquire(0, hour)
    assert not (await semaphore.acquire(0.001, hour)).permit
    given_up = asyncio.create_task(semaphore.acquire(10, hour))
    await asyncio.sleep(0)
    semaphore.release(permit(first))  # the permit goes to the waiter, which is cancelled before it can take it
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    last = await semaphore.acquire(0, hour)
    assert last.permit
    assert not (await semaphore.acquire(0, hour)).permit


async def test_what_comes_back_goes_to_whoever_waits_longest() -> None:
    semaphore: Semaphore[Thing] = Semaphore(1)
    held = await semaphore.acquire(0, hour)
    assert held.permit
    assert not semaphore.hand_over(Thing())
    waiting = [asyncio.create_task(semaphore.acquire(10, hour)) for _ in range(2)]
    await asyncio.sleep(0)
    thing, unclaimed = Thing(), Thing()
    assert semaphore.hand_over(thing)
    assert semaphore.hand_over(unclaimed)
    waiting[1].cancel()  # too late to say no, too early to use it
    assert (await waiting[0]).item is thing
    with pytest.raises(asyncio.CancelledError):
        await waiting[1]
    assert (thing.closed, unclaimed.closed) == (False, True)


async def test_everybody_who_waits_can_be_refused_at_once() -> None:
    semaphore: Semaphore[Thing] = Semaphore(1)
    first = await semaphore.acquire(0, hour)
    waiting = [asyncio.create_task(semaphore.acquire(10, hour)) for _ in range(3)]
    await asyncio.sleep(0)
    semaphore.refuse_waiting()
    grants = await asyncio.gather(*waiting)
    assert [(grant.permit, grant.item) for grant in grants] == [(None, None)] * 3
    semaphore.release(permit(first))
    assert (await semaphore.acquire(0, hour)).permit


async def test_a_permit_that_is_forgotten_goes_to_whoever_waits_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("molam_sdk._transport.awaited.semaphore._LOOKS_EVERY", 3600.0)
    semaphore: Semaphore[Thing] = Semaphore(1)
    first = await semaphore.acquire(0, hour)
    waiting = asyncio.create_task(semaphore.acquire(600, hour))
    await asyncio.sleep(0)
    del first
    assert (await asyncio.wait_for(waiting, 20)).permit is not None


async def test_a_permit_counts_no_longer_than_its_time() -> None:
    semaphore: Semaphore[Thing] = Semaphore(1)
    left = [1.0]
    kept = await semaphore.acquire(0, lambda: left[0])
    assert (await semaphore.acquire(0, hour)).permit is None
    waiting = asyncio.create_task(semaphore.acquire(10, hour))
    await asyncio.sleep(0)
    left[0] = 0.0
    second = await waiting
    assert second.permit is not None
    semaphore.release(permit(kept))  # late: it is nobody's loss
    assert (semaphore.taken, (await semaphore.acquire(0, hour)).permit) == (1, None)


async def test_those_who_wait_are_served_in_order() -> None:
    semaphore: Semaphore[Thing] = Semaphore(1)
    held, order = await semaphore.acquire(0, hour), list[int]()

    async def wait(number: int) -> None:
        grant = await semaphore.acquire(10, hour)
        order.append(number)
        semaphore.release(permit(grant))

    tasks = [asyncio.create_task(wait(number)) for number in range(5)]
    await asyncio.sleep(0)
    semaphore.release(permit(held))
    assert (await semaphore.acquire(0, hour)).permit is None  # who comes now stands behind them
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]
