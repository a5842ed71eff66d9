"""What our steps take for granted of greenlets, and of SQLAlchemy, which recognises them as its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from molam_sdk._greenlets import run_step, wait_for

_VALUE: ContextVar[str] = ContextVar("value", default="none")


def waits(seconds: float = 0.0) -> str:
    wait_for(asyncio.sleep(seconds))
    return _VALUE.get()


async def test_the_loop_goes_on_while_a_step_waits() -> None:
    other = asyncio.Event()
    asyncio.get_running_loop().call_soon(other.set)
    await run_step(lambda: wait_for(other.wait()))


async def test_a_step_shares_the_context_variables_of_its_task() -> None:
    await run_step(lambda: (waits(), _VALUE.set("of the step"), waits()))
    assert _VALUE.get() == "of the step"
    assert await run_step(lambda: copy_context().run(waits)) == "of the step"
    assert await run_step(lambda: copy_context().run(lambda: (_VALUE.set("of the copy"), waits())[1])) == "of the copy"
    assert _VALUE.get() == "of the step"


async def test_what_is_awaited_raises_where_it_is_waited_for_and_a_cancellation_too() -> None:
    ends: list[str] = []

    @contextmanager
    def noted() -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            waits()
            ends.append(type(error).__name__)
            raise

    def step() -> None:
        with noted():
            wait_for(asyncio.Event().wait())

    async def fails() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await run_step(lambda: wait_for(fails()))
    task = asyncio.ensure_future(run_step(step))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ends == ["CancelledError"]


async def test_outside_of_a_step_nothing_is_waited_for() -> None:
    with pytest.raises(RuntimeError, match="run_step"):
        waits()


async def test_sqlalchemy_takes_our_steps_for_its_own() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")

    def selected() -> int:
        with engine.sync_engine.connect() as connection:
            return int(connection.execute(text("SELECT 1")).scalar_one())

    assert await run_step(selected) == 1
    await engine.dispose()


def test_an_engine_says_whether_it_must_be_awaited() -> None:
    assert not create_engine("sqlite://").dialect.is_async
    assert create_async_engine("sqlite+aiosqlite://").sync_engine.dialect.is_async
