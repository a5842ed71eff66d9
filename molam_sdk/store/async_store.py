"""Stores for event loops: what the blocking ones say, run so that the loop goes on while the database answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import ParamSpec, TypeVar

from .claims import Claim, ClaimResult
from .events import EventClaims
from .inbox import Inbox
from .inbox_event import InboxEvent, InboxFigures, InboxState
from .seam import Store

P = ParamSpec("P")
T = TypeVar("T")


class AsyncStore:
    """A store for event loops. ``in_steps`` is the store as code sees it that ``step`` runs: there it seems to block.

    If it is ``transactional``, coroutine functions share the transaction that marks the event done, as plain ones do
    over a store that blocks.
    """

    def __init__(self, in_steps: Store) -> None:
        self.in_steps = in_steps

    @property
    def transactional(self) -> bool:
        """Whether handlers can write in the transaction that marks the event done."""
        return self.in_steps.transactional

    async def step(self, step: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the step returns; the event loop goes on while it waits."""
        from .._greenlets import run_step

        return await run_step(step, *args, **kwargs)

    async def claim(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        """As ``Store.claim``."""
        return await self.step(self.in_steps.claim, claim, now, lease_until)

    async def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        """As ``Store.renew``."""
        return await self.step(self.in_steps.renew, claim, lease_until, finished)

    async def done(self, claim: Claim, now: float) -> bool:
        """As ``Store.done``."""
        return await self.step(self.in_steps.done, claim, now)

    async def prune(self, before: float) -> int:
        """Forget events that were last touched before then; how many went."""
        return await self.step(self.in_steps.prune, before)


class AsyncEventClaims(AsyncStore):
    """Claims in a table, and the inbox beside them."""

    in_steps: EventClaims

    def __init__(self, in_steps: EventClaims) -> None:
        super().__init__(in_steps)

    @property
    def inbox(self) -> AsyncInbox:
        """The events that are worked on later, in the same table."""
        return AsyncInbox(self, self.in_steps.inbox)


class AsyncInbox:
    """Stored events, asked for on an event loop; ``Inbox`` says what each of these does and raises."""

    def __init__(self, store: AsyncStore, inbox: Inbox) -> None:
        self._step, self._inbox = store.step, inbox

    async def show(self, event_id: str) -> InboxEvent:
        """One event with its body, by its id or its key."""
        return await self._step(self._inbox.show, event_id)

    async def list(self, *states: InboxState, bodies: bool = False) -> AsyncIterator[InboxEvent]:
        """Events in these states (all that are not done if none is named), the oldest first, a page at a time."""
        events = self._inbox.list(*states, bodies=bodies)
        while (event := await self._step(next, events, None)) is not None:
            yield event

    async def retry(self, event_id: str, now: float | None = None, *, again: bool = False) -> None:
        """Have an event run now, with all its attempts before it; ``again`` also one that is done or resolved."""
        await self._step(self._inbox.retry, event_id, now, again=again)

    async def retry_failed(self, now: float | None = None) -> int:
        """Have every event run now that failed or was given up; how many."""
        return await self._step(self._inbox.retry_failed, now)

    async def resolve(self, event_id: str, note: str, now: float | None = None) -> None:
        """Close an event by hand, with a note of what was done about it."""
        await self._step(self._inbox.resolve, event_id, note, now)

    async def figures(self, now: float | None = None) -> InboxFigures:
        """How many are where."""
        return await self._step(self._inbox.figures, now)
