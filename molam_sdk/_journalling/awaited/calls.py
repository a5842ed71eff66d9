"""A call that is written down: before its first byte, and when it has ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, ParamSpec, Protocol, TypeVar

from ..._aside import Aside
from ..._base_client import deadline_of
from ..._client_state import ClientState
from ..._core.account import account_of
from ..._core.call import Call
from ..._core.doubts import Doubts
from ..._core.invocation import Invocation
from ..._interruption import raised_from_outside
from ..._quiet_log import log
from ..._resolving import invocation_of
from ..._transport.awaited.aside import ended_in_time
from ...config import JournalKey
from ...exceptions import Doubt, RequestValidationError
from ...journal.entry import Asked, End, Entry
from ...journal.rules import Decision
from ...journal.seam import Begun, UncertainWriteError
from ..ends import (
    NOT_BEGUN,
    NotWritten,
    asked_of,
    end_of,
    kept_reply,
    leave_in_doubt,
    not_read,
    not_written,
    ruled_out,
    still_running,
    to_be_sent,
)
from ..opening import JournalSource, journal_store_of, opened_here
from ..undo_context import undo_here
from ..undo_entries import ruling_of_undone
from .work import work_for

P = ParamSpec("P")
T = TypeVar("T")

_LEASE_MARGIN: Final = 1.0
_FIRST_LOOK: Final = 0.02
_LAST_LOOK: Final = 1.0


class Begin(Protocol):
    """How a client begins a call."""

    def __call__(
        self,
        invocation: Invocation[T],
        timeout: float | None,
        resolving: Doubt | None = None,
        same_account: bool = False,
        *,
        known: Doubt | None = None,
        recalled: bool = False,
    ) -> Call[T]: ...


class CarryOut(Protocol):
    """How a client carries one out."""

    def __call__(self, call: Call[T]) -> Awaitable[T]: ...


Way = tuple[ClientState, Begin, CarryOut]
"""How the client that makes a call sends it: itself, or the view of it that was asked."""


class JournalledCalls:
    """Sends the calls of a client, and of its views, through its journal. ``required``: what cannot be written down is
    not sent."""

    def __init__(
        self,
        source: JournalSource,
        sleep: Callable[[float], Awaitable[None]],
        *,
        required: bool = True,
        key: JournalKey | None = None,
    ) -> None:
        self.store = journal_store_of(source, key)
        self._opened = opened_here(source, self.store)
        self.work = work_for(self.store)
        self.sleep = sleep
        self._required = required

    async def send(
        self,
        way: Way,
        invocation: Invocation[T],
        timeout: float | None,
        resolving: Doubt | None = None,
        same_account: bool = False,
        *,
        waits: bool = True,
    ) -> T:
        """What the operation answers with, now or when it was done. ``waits``: for another call under the same key."""
        state, begin, carry_out = way
        if resolving is None:
            invocation = to_be_sent(invocation, tags=state.config.journal_tag)
        deadline = deadline_of(state, invocation, timeout)
        if state.closed.is_set() or _has_no_key(state):
            return await carry_out(begin(invocation, timeout, resolving))  # which says so
        refusing = await _without_api_key(state, deadline)
        if refusing is not None:
            return await carry_out(_fails_before_sending(begin(invocation, timeout, resolving), refusing))
        asked = await self._asked(state, invocation, resolving, same_account)
        call: Call[T] | None = None
        try:
            begun = await self._admitted_by_journal(asked, state, deadline, waits)
            if isinstance(begun, Begun) and begun.ruling.decision is Decision.SEND:
                call = begin(invocation, _left(state, deadline), resolving, same_account, known=_known(begun))
                _refuse_if_changed(call, asked)
                result = await carry_out(call)
                await self._end(asked, end_of(call, None))
                return result
        except BaseException as error:
            await self._leave(asked, call, error)
            raise
        if begun is None:
            return await carry_out(begin(invocation, _left(state, deadline), resolving, same_account))
        if isinstance(begun, NotWritten):
            raise not_written(begun, invocation, state.doubts.find(asked.key)) from begun.problem
        if begun.ruling.decision is Decision.REPLAY and begun.found is not None:
            await self._refuse_undone(begun.found, asked, invocation)
            return _recalled(begin(invocation, timeout, same_account=True, recalled=True), begun.found)
        waited = begun.ruling.decision is Decision.WAIT
        raise still_running(invocation, begun.found) if waited else ruled_out(begun.ruling, invocation, begun.found)

    async def make(self, way: Way, queued: Entry, timeout: float | None, telling: float) -> None:
        """Carry out what a worker has taken from the outbox, under its key, and write down how it ended. ``telling``:
        seconds for which the worker keeps an entry that ended."""
        state, begin, carry_out = way
        invocation = invocation_of(queued.doubt(time.time()))
        asked = replace(_of_worker(state, invocation), token=queued.token)
        call: Call[Any] | None = None
        try:
            call = begin(invocation, timeout)
            _refuse_if_changed(call, asked)
            await carry_out(call)
            await self._end(asked, replace(end_of(call, None), telling=telling))
        except BaseException as error:
            await self._leave(asked, call, error, telling)
            raise

    def enqueued(self, state: ClientState, invocation: Invocation[Any]) -> Asked:
        """What is written down of an operation that a worker is to make."""
        invocation = to_be_sent(invocation, tags=state.config.journal_tag)
        return _of_worker(state, invocation)

    async def doubt(self, key: str, doubts: Doubts) -> str | Doubt:
        """What the journal holds under a key, in the form that ``resolve`` takes; the key where it holds nothing."""
        known = doubts.find(key)
        if known is not None:
            return known
        found = await self.ask(self.store.find, key)
        return key if found is None else found.doubt(time.time())

    async def close(self) -> None:
        """Let go of what was opened for this client; a store or an engine that it was given stays open."""
        if self._opened is not None:
            await self.work(self._opened.close)
        self.work.close()

    async def ask(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the store answers; ``JournalError`` where it cannot."""
        try:
            return await self.work(step, *args, **kwargs)
        except Exception as problem:
            if raised_from_outside(problem):
                raise
            raise not_read(problem) from problem

    async def _asked(
        self, state: ClientState, invocation: Invocation[Any], doubt: Doubt | None, same_account: bool
    ) -> Asked:
        """What is asked of the journal; in the block of an undo it is planned there first."""
        asked = asked_of(invocation, state.base_url, account_here(state), doubt, same_account)
        undo = undo_here(self) if doubt is None else None
        return asked if undo is None else await undo.step(asked)

    async def _refuse_undone(self, found: Entry, asked: Asked, invocation: Invocation[Any]) -> None:
        """What a block did that was undone, or will be, is not given again as if it stood."""
        if found.state != "done" or found.undo_key in (None, asked.undo_key):
            return
        ruling = ruling_of_undone(found, await self.ask(self.store.find, found.undo_key))
        if ruling is not None:
            raise ruled_out(ruling, invocation, found)

    async def _admitted_by_journal(
        self, asked: Asked, state: ClientState, deadline: float, waits: bool
    ) -> Begun | NotWritten | None:
        """The journal's word, or why it gives none; None where it need not."""
        pause = _FIRST_LOOK
        while True:
            left = max(0.0, deadline - state.clock())
            try:
                begun = await self.work(self.store.begin, asked, left + _LEASE_MARGIN)
            except Exception as problem:
                if raised_from_outside(problem):
                    raise
                return await self._not_written(asked, problem)
            if begun.ruling.decision is not Decision.WAIT or not waits or left == 0.0:
                return begun
            await self.sleep(min(pause, left))
            pause = min(pause * 2, _LAST_LOOK)

    async def _not_written(self, asked: Asked, problem: Exception) -> NotWritten | None:
        """What follows from a journal that cannot be written. Where the commit may have come through all the same, its
        entry is taken back; where that fails too, it may be found there later, and asked again."""
        uncertain = isinstance(problem, UncertainWriteError) and not await self._end(asked, NOT_BEGUN)
        if self._required or uncertain:
            return NotWritten(problem, uncertain)
        log(logging.ERROR, "a call is not in the journal", exc_info=True, facts={"idempotency_key": asked.key})
        return None

    async def _leave(
        self, asked: Asked, call: Call[Any] | None, error: BaseException, telling: float | None = None
    ) -> None:
        """Write down what an error leaves; torn in the middle, once more, so that nobody waits for its lease."""
        try:
            await self._left(asked, call, error, telling)
        except BaseException:
            await self._left(asked, call, error, telling)
            raise

    async def _left(self, asked: Asked, call: Call[Any] | None, error: BaseException, telling: float | None) -> None:
        """Write down what an error leaves; the error is made to say so where that cannot be written."""
        end = replace(NOT_BEGUN if call is None else end_of(call, error), telling=telling)
        if not await self._end(asked, end) and end.state == "free":
            leave_in_doubt(error)

    async def _end(self, asked: Asked, end: End) -> bool:
        """Write down how a call ended; False where that cannot be written: then the entry stays open."""
        try:
            await self.work(self.store.end, asked.key, asked.token, end)
        except Exception as problem:
            if raised_from_outside(problem):
                raise
            facts = {"idempotency_key": asked.key, "outcome": end.outcome or "done", "request_id": end.request_id}
            log(logging.ERROR, "the end of a call is not in the journal: recover", exc_info=True, facts=facts)
            return False
        return True


async def _without_api_key(state: ClientState, deadline: float) -> Aside[str] | None:
    """The asking for an API key that gave none; None where there is one, or none to ask for."""
    if "Authorization" in state.headers or state.key.authorization() is not None:
        return None
    asking = state.key.ask()
    if asking is None:
        return None
    in_time = await ended_in_time(asking, deadline - state.clock())
    return None if in_time and state.key.authorization() is not None else asking


def _has_no_key(state: ClientState) -> bool:
    return state.config.api_key is None and "Authorization" not in state.headers


def _fails_before_sending(call: Call[T], asking: Aside[str]) -> Call[T]:
    """The call, ended by the asking that gave no API key."""
    call.asking = asking
    call.take_api_key(in_time=asking.done)
    return call


def _of_worker(state: ClientState, invocation: Invocation[Any]) -> Asked:
    return asked_of(invocation, state.base_url, account_here(state), None, same_account=False)


def account_here(state: ClientState) -> str | None:
    """The account that a client's calls are made for."""
    authorization = state.headers.get("Authorization") or state.key.authorization() or ""
    return account_of({"Authorization": authorization})


def _left(state: ClientState, deadline: float) -> float:
    return max(0.001, deadline - state.clock())


def _known(begun: Begun) -> Doubt | None:
    """What the entry that was found leaves in doubt."""
    found = begun.found
    return found.doubt(time.time()) if found is not None and found.state == "open" else None


def _recalled(call: Call[T], entry: Entry) -> T:
    """The end that the journal keeps, given again."""
    with call:
        call.recall(*kept_reply(entry))
        return call.result()


def _refuse_if_changed(call: Call[Any], asked: Asked) -> None:
    """What is sent must be what was written down, whatever another thread has set meanwhile."""
    account = account_of(call.request.headers)
    if (account, call.request.url) != (asked.account, asked.base_url + asked.path):
        problem = RequestValidationError("the API key or the base URL was changed while this call began: call again")
        with call:
            raise problem
