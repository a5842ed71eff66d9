"""The seam that every store of a journal implements; a store of the merchant's own has these methods too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .entry import Asked, End, Entry
from .rules import Ruling


class UncertainWriteError(Exception):
    """A database went away while it committed: what was written may be there, or not."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The store's answer to a call that wants to begin: the ruling, and the entry that it found; None for a new key."""

    ruling: Ruling
    found: Entry | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to list: open ones first, then closed ones, each in the order of their first use.

    ``open``: only those, or only the closed ones. ``due``: only those that no worker has now, and those from the
    future, whose lease means nothing since the clock went back. ``account`` and ``base_url``: only theirs, and those
    of no known account. ``operations``: only these. ``since``: first used then, in Unix seconds, or later.
    ``unseen_since``: only those that ``mark_seen`` has not marked since then. ``after``: the last entry of the page
    before.
    """

    open: bool | None = None
    due: bool = False
    account: str | None = None
    base_url: str | None = None
    operations: tuple[str, ...] = ()
    since: float | None = None
    unseen_since: float | None = None
    after: Entry | None = None
    limit: int = 100


class JournalStore(Protocol):
    """Where entries are kept. Every method is atomic among all workers, blocks, and goes by the clock of the store."""

    def begin(self, asked: Asked, lease_seconds: float) -> Begun:
        """Rule by ``ruling_on``; where the call may be sent, write its entry and lease it, durably, before returning.

        ``UncertainWriteError`` where it may have been written; any other error: it was not.
        """
        ...

    def end(self, key: str, token: str, end: End) -> bool:
        """Note how a call ended and give its lease back. ``done`` and ``refused`` are kept whoever says so, unless the
        entry is closed already; anything else only of the call that has it, and ``free`` leaves an entry open that
        was in doubt before. Whether it was kept."""
        ...

    def find(self, key: str) -> Entry | None:
        """The entry of a key."""
        ...

    def page(self, wanted: Wanted) -> Sequence[Entry]:
        """The next entries of a list."""
        ...

    def prune(self, older_than_seconds: float) -> int:
        """Forget entries that were closed so long ago, never open ones; how many went."""
        ...


Judge = Callable[[Entry], "End | None"]
"""What an event says of an entry that is not closed: its end, or None where it says nothing for certain."""


class FullJournalStore(JournalStore, Protocol):
    """A store that knows entries by their objects too, and can have one worked on for long.

    An object's name is its id or its tag. A store of the merchant's own may go without these methods: the inbox then
    settles nothing, and ``reconcile`` and ``undo`` are refused.
    """

    def hear(self, names: Sequence[str], judge: Judge) -> int:
        """Note that an event told of the object of these names, and close each open entry about it as ``judge`` says;
        in the transaction that is open here, if there is one. How many were closed."""
        ...

    def heard_at(self, name: str) -> float | None:
        """When an event last told of this object; None where none did, or no entry is about it."""
        ...

    def about(self, names: Sequence[str]) -> Sequence[Entry]:
        """Every entry about the objects of these names, in the order of first use."""
        ...

    def mark_seen(self, keys: Sequence[str], at: float) -> None:
        """Note of these entries that their objects were seen at Molam. ``at``: Unix seconds by the store's clock."""
        ...

    def take(self, key: str, token: str, lease_seconds: float) -> Entry | None:
        """Lease an open entry that no worker has, whatever its age; None where it is none."""
        ...

    def keep(self, key: str, token: str, body: bytes, lease_seconds: float) -> bool:
        """Replace the body of an open entry, durably, and renew its lease; False where another worker has it now."""
        ...

    def time(self) -> float:
        """Unix seconds by the store's clock."""
        ...
