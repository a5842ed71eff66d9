# Generated from _journalling/awaited/journal.py by ci/generate_blocking.py: edit that file, not this one.
"""What a merchant asks of a client's journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, ParamSpec

from ..._core.invocation import check_idempotency_key
from ..._frames import empty_frames, raises_without_values
from ...exceptions import ConfigurationError, RequestValidationError
from ...journal.entry import CLOSED, End, Entry
from ...journal.seam import JournalStore, Wanted
from .calls import JournalledCalls, Way
from .outbox import Outbox
from .working import Working

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
    from sqlalchemy.orm import Session

P = ParamSpec("P")


@raises_without_values
class Journal(Working):
    """What was asked under which key, and what became of it: ``client.journal``."""

    def __init__(self, calls: JournalledCalls, way: Way) -> None:
        self._calls, self._way = calls, way

    @property
    def store(self) -> JournalStore:
        """Where it is kept: for ``watch_journal``."""
        return self._calls.store

    def get(self, key: str) -> Entry | None:
        """The entry of an idempotency key; None where it was never used."""
        return self._calls.ask(self._calls.store.find, check_idempotency_key(key, ""))

    def list(self, *, open: bool | None = None) -> Iterator[Entry]:  # noqa: A002 - the merchant's word
        """Every entry, the open ones first, then in the order of first use; one page of them in memory.

        ``open=True``: only those that are running, in doubt, or for review; ``open=False``: only those that ended.
        """
        wanted = Wanted(open=open)
        try:
            while page := self._calls.ask(self._calls.store.page, wanted):
                yield from page
                wanted = replace(wanted, after=page[-1])
        except BaseException as error:
            empty_frames(error)
            raise

    def within(self, transaction: Session | Connection | AsyncSession | AsyncConnection) -> Outbox:
        """The outbox in a transaction of the shop's own: what is enqueued there is committed with it, or not at all."""
        return Outbox(self._calls, self._way[0], transaction)

    def enqueue(self, operation: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> str:
        """As ``within(…).enqueue``, in the transaction that is open: Django's, or that of a handler of the same store.

        ``RequestValidationError`` where none is open; a journal in a SQLite file then commits it at once.
        """
        return Outbox(self._calls, self._way[0], None).enqueue(operation, *args, **kwargs)

    def settle(self, key: str, *, done: bool, note: str) -> Entry:
        """Close an entry by hand, after a review. ``note`` says how you know; a later call under the key gets
        ``accepted`` or ``rejected`` accordingly, and is not sent.

        ``RequestValidationError`` where it is not open, or a call has it.
        """
        if not isinstance(note, str) or not note.strip():
            raise RequestValidationError("note must say how this was found out")
        entry = self.get(key)
        if entry is None or entry.state in CLOSED or entry.lease_left > 0:
            state = (
                "unknown to the journal" if entry is None else f"{entry.state}" if entry.lease_left <= 0 else "running"
            )
            raise RequestValidationError(f"idempotency key {key!r} is {state}: only an open entry can be settled")
        end = End("done" if done else "refused", None if done else "rejected", "settled_by_hand", note=note)
        self._calls.ask(self._calls.store.end, key, entry.token, end)
        return self.get(key) or entry

    def rotate_key(self) -> tuple[int, int]:
        """Encrypt every entry by the first of the keys (``ClientConfig.journal_key``), also one that was not: how many,
        and how many are left, since a call has them now. Then the older keys can go."""
        rotate = getattr(self._calls.store, "rotate", None)
        if rotate is None or getattr(self._calls.store, "seal", None) is None:
            raise ConfigurationError("this journal has no key to encrypt by: set MOLAM_JOURNAL_KEY")
        found: tuple[int, int] = self._calls.ask(rotate)
        return found

    def prune(self, *, older_than: timedelta) -> int:
        """Forget entries that ended so long ago; open ones stay. How many went. Their keys bind no longer."""
        if not isinstance(older_than, timedelta) or older_than < timedelta(days=1):
            raise RequestValidationError("older_than must be a timedelta of at least one day: Molam keeps keys as long")
        return self._calls.ask(self._calls.store.prune, older_than.total_seconds())
