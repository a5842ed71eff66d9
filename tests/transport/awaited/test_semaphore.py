"""No permit is lost, whichever way a wait for one ends."""

from __future__ import annotations

import asyncio

import pytest

from molam_sdk._transport.awaited.semaphore import Semaphore


class Thing:
    """Something that can be handed over, and knows whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


async def test_no_permit_is_lost_when_waiting_is_given_up() -> None:
    semaphore: Semaphore[Thing] = Semaphore(1)
    assert (await semaphore.acquire(0)).permit
    assert not (await semaphore.acquire(0.001)).permit
    given_up = asyncio.create_task(semaphore.acquire(10))
    await asyncio.sleep(0)
    semaphore.release()  # the permit goes to the waiter, which is cancelled before it can take it
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert (await semaphore.acquire(0)).permit
    assert not (await semaphore.acquire(0)).permit


async def test_what_comes_back_goes_to_whoever_waits_longest() -> None:
    semaphore: Semaphore[Thing] = Semaphore(1)
    assert (await semaphore.acquire(0)).permit
    assert not semaphore.hand_over(Thing())
    waiting = [asyncio.create_task(semaphore.acquire(10)) for _ in range(2)]
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
    await semaphore.acquire(0)
    waiting = [asyncio.create_task(semaphore.acquire(10)) for _ in range(3)]
    await asyncio.sleep(0)
    semaphore.refuse_waiting()
    grants = await asyncio.gather(*waiting)
    assert [(grant.permit, grant.item) for grant in grants] == [(False, None)] * 3
    semaphore.release()
    assert (await semaphore.acquire(0)).permit
