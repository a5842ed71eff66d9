"""The receiver's own threads, and the count of what is under way."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextvars import ContextVar

import pytest

from molam_sdk.receiver.answers import NotRunError
from molam_sdk.receiver.threads import InFlight, ReceiverThreads

WHO: ContextVar[str] = ContextVar("who", default="nobody")


async def test_a_function_runs_in_a_thread_of_ours_and_sees_the_callers_context() -> None:
    threads = ReceiverThreads(2, "ours")
    WHO.set("me")
    name, who = await threads(lambda: (threading.current_thread().name, WHO.get()))
    assert (name.startswith("ours"), who) == (True, "me")
    threads.close()


async def test_no_more_run_at_once_than_were_asked_for_and_asyncios_pool_stays_free() -> None:
    threads, most, running, lock = ReceiverThreads(2, "ours"), 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def work() -> None:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        both.wait(20)
        with lock:
            running -= 1

    await asyncio.gather(*(threads(work) for _ in range(8)), asyncio.to_thread(lambda: None))
    assert most == 2
    threads.close()


async def test_after_closing_the_next_use_begins_anew() -> None:
    threads = ReceiverThreads(1, "ours")
    threads.close()
    assert await threads(lambda: 1) == 1
    threads.close()
    assert await threads(lambda: 2) == 2
    threads.close()


@pytest.mark.skipif(sys.platform == "win32", reason="fork is POSIX")
def test_a_child_process_has_threads_of_its_own() -> None:
    threads, in_flight = ReceiverThreads(1, "ours"), InFlight(1)
    assert threads.submit(lambda: 1).result(20) == 1
    with in_flight.room():
        child = os.fork()
        if child == 0:
            with in_flight.room():
                os._exit(0 if threads.submit(lambda: 2).result(20) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    threads.close()


def test_there_is_room_for_so_many_and_no_more() -> None:
    in_flight = InFlight(2)
    with in_flight.room():
        with in_flight.room(), pytest.raises(NotRunError) as full, in_flight.room():
            pass
        assert not in_flight.wait_until_none(0.001)
        with in_flight.room():
            pass
    assert full.value.result == "full"
    assert in_flight.wait_until_none(0.001)
    in_flight.close()
    with pytest.raises(NotRunError) as stopping, in_flight.room():
        pass
    assert stopping.value.result == "stopping"
