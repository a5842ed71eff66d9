"""The event loop beside deliveries that block."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from molam_sdk.receiver.blocking.loop import LoopThread, run_coroutine
from molam_sdk.webhooks import WebhookEvent
from tests.support.webhooks.shop import Shop, told

WHO: ContextVar[str] = ContextVar("who", default="nobody")


@pytest.fixture
def thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


async def running_loop() -> Any:
    return asyncio.get_running_loop()


async def raise_it(error: BaseException) -> None:
    raise error


def test_all_coroutines_of_a_process_share_one_loop() -> None:
    assert run_coroutine(running_loop()) is run_coroutine(running_loop())


def test_a_coroutine_sees_the_context_of_whoever_waits_for_it(thread: LoopThread) -> None:
    async def who() -> str:
        return WHO.get()

    WHO.set("me")
    assert thread.run(who()) == "me"


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_what_a_coroutine_raises_is_raised_here_and_the_loop_goes_on(thread: LoopThread, error: BaseException) -> None:
    with pytest.raises(type(error)):
        thread.run(raise_it(error))
    assert thread.run(running_loop()) is not None


def test_a_task_left_behind_that_wants_the_process_to_end_ends_no_loop(thread: LoopThread) -> None:
    async def leave_one_behind() -> None:
        task = asyncio.ensure_future(raise_it(SystemExit(3)))
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    thread.run(leave_one_behind())
    assert [thread.run(running_loop()) is not None for _ in range(3)] == [True] * 3


def test_a_coroutine_that_cancels_itself_is_a_failure(thread: LoopThread) -> None:
    with pytest.raises(RuntimeError, match="was cancelled"):
        thread.run(raise_it(asyncio.CancelledError()))


def test_what_is_left_on_the_loop_is_cancelled_when_it_closes(thread: LoopThread) -> None:
    ended: list[str] = []

    async def for_ever() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("yes")

    tasks: list[Any] = []

    async def begin() -> None:
        tasks.append(asyncio.ensure_future(for_ever()))
        await asyncio.sleep(0)

    thread.run(begin())
    thread.close()
    assert ended == ["yes"]
    assert thread.run(running_loop()) is not None


def test_a_blocking_delivery_on_the_loop_itself_is_refused_before_it_waits_for_itself() -> None:
    shop = Shop()
    inner: list[Any] = []

    @shop.receiver.on("payment.succeeded")
    async def fulfil(event: WebhookEvent) -> None:
        if event.id == "evt_1":
            inner.append(shop.deliver("evt_2"))

    assert told(shop.deliver()) == (200, "handled")
    assert told(inner[0]) == (500, "failed")
    assert told(shop.deliver("evt_2")) == (200, "handled")


def main_thread_waits() -> bool:
    """Whether it stands in ``Event.wait``, as whoever waits for a coroutine does."""
    frame = sys._current_frames()[threading.main_thread().ident or 0]
    return frame.f_code.co_name == "wait" and frame.f_code.co_filename == threading.__file__


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_who_is_interrupted_while_he_waits_has_the_coroutine_ended_first(thread: LoopThread) -> None:
    ended = threading.Event()

    async def for_ever() -> None:
        while not main_thread_waits():  # noqa: ASYNC110  # nothing tells when a thread waits
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            thread.run(for_ever())
        assert ended.is_set()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="fork is POSIX")
def test_a_child_process_has_a_loop_of_its_own() -> None:
    assert run_coroutine(running_loop()) is not None
    child = os.fork()
    if child == 0:
        os._exit(0 if run_coroutine(running_loop()) is not None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_process_that_ran_coroutines_ends_without_a_word() -> None:
    program = """if True:
        import asyncio
        from molam_sdk.receiver.blocking.loop import run_coroutine
        run_coroutine(asyncio.sleep(0))
    """
    root = Path(__file__).parents[2]
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


GREEN: str = """if True:
    from gevent import monkey
    monkey.patch_all()
    import asyncio
    import gevent
    from tests.support.webhooks.shop import Shop
    shop, ran = Shop(), []
"""


def green(program: str) -> None:
    """Run it as a program whose threads are greenlets; it says nothing where all is well."""
    pytest.importorskip("gevent")
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", GREEN + program], cwd=root, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_under_gevent_coroutines_run_side_by_side_on_one_loop() -> None:
    green("""
    loops, together = set(), []
    @shop.receiver.on("payment.succeeded")
    async def mail(event):
        loops.add(asyncio.get_running_loop())
        together.append(event.id)
        while len(together) < 12:
            await asyncio.sleep(0.01)
        ran.append(event.id)
    given = [gevent.spawn(shop.deliver, f"evt_{number}") for number in range(12)]
    results = [each.get().result for each in given]
    assert results == ["handled"] * 12, results
    assert sorted(ran) == sorted(f"evt_{number}" for number in range(12)), ran
    assert len(loops) == 1, loops
    """)


def test_under_gevent_a_coroutine_that_raises_is_said_in_the_log_alone() -> None:
    green("""
    import logging
    logging.getLogger("molam_sdk.webhooks").setLevel(logging.CRITICAL)
    @shop.receiver.on("payment.succeeded")
    async def mail(event):
        ran.append(event.id)
        if len(ran) == 1:
            raise RuntimeError("sk_live_1 is in this text")
    assert [shop.deliver("evt_1").result for _ in range(3)] == ["failed", "handled", "duplicate"]
    assert ran == ["evt_1"] * 2
    """)


def test_under_gevent_who_leaves_a_coroutine_has_it_cancelled_before_its_event_is_given_back() -> None:
    green("""
    @shop.receiver.on("payment.succeeded")
    async def mail(event):
        ran.append("begun")
        try:
            await asyncio.sleep(30 if len(ran) == 1 else 0)
        finally:
            await asyncio.sleep(0.05)
            ran.append("ended")
    def leave():
        try:
            with gevent.Timeout(0.5):
                shop.deliver("evt_1")
        except gevent.Timeout:
            ran.append("left")
    gevent.spawn(leave).join()
    assert ran == ["begun", "ended", "left"], ran
    assert shop.deliver("evt_1").result == "handled"
    """)


def test_under_gevent_a_store_for_event_loops_keeps_its_connections_on_one(tmp_path: Path) -> None:
    green(f"""
    from sqlalchemy.ext.asyncio import create_async_engine
    from molam_sdk.receiver import WebhookReceiver
    from molam_sdk.store.async_sql import AsyncSqlStore
    from molam_sdk.testing import signed_event
    store = AsyncSqlStore(create_async_engine("sqlite+aiosqlite:///{tmp_path}/shop.sqlite3"))
    receiver = WebhookReceiver("whsec_c2VjcmV0", store)
    receiver.on("payment.succeeded")(lambda event: ran.append(event.id))
    def deliver():
        sample = signed_event("payment.succeeded", secret="whsec_c2VjcmV0")
        return receiver.receive(sample.headers, sample.body).result
    given = [gevent.spawn(deliver) for number in range(6)]
    assert [each.get() for each in given] == ["handled"] * 6
    assert len(ran) == 6, ran
    assert receiver.close()
    """)
