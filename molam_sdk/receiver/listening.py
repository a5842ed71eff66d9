"""What the receiver tells a journal: that an event named an object, and what it says of open entries about it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ..store.database import Database, SchemaError, columns_of
from ..webhooks import WebhookEvent
from .handler_calls import away_from_loop
from .metrics import logger

if TYPE_CHECKING:
    from .._journalling.opening import JournalSource
    from ..journal.seam import FullJournalStore

_LOOKED_FOR_EVERY: Final = 60.0


class JournalListener:
    """Passes events on to a journal: the one that was named, else one in the database of the receiver's own store."""

    def __init__(self, store: object, source: JournalSource | None) -> None:
        self._database: Database | None = getattr(store, "database", None)
        self._journal = None if source is None else _named(source)
        self._look_at = 0.0

    @property
    def listens(self) -> bool:
        """Whether there may be a journal at all."""
        return self._journal is not None or self._database is not None

    def hear(self, event: WebhookEvent) -> None:
        """Close what the event settles. Blocks; in the transaction that is open here, where that is of its database."""
        journal = self._found()
        if journal is None:
            return
        from ..journal.events import judge_by, names_in

        names = names_in(event)
        hear = journal.hear if self.shares_the_store else away_from_loop(journal.hear)
        closed = hear(names, judge_by(event)) if names else 0
        if closed:
            logger.info("webhook %s settles %d open in the journal", event.id, closed)

    @property
    def shares_the_store(self) -> bool:
        """Whether journal and receiver stand in one database, so that both can be written in one transaction."""
        if self._journal is None:
            return True
        return self._database is not None and getattr(self._journal, "database", None) is self._database

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """In which an event is heard of and marked together, where both stand in one database."""
        if self._database is None or not self.listens or not self.shares_the_store:
            yield
            return
        with self._database.transaction():
            yield

    def _found(self) -> FullJournalStore | None:
        """The journal; one beside the receiver's table is looked for now and then until it is there."""
        if self._journal is None and self._database is not None and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _LOOKED_FOR_EVERY
            self._journal = _beside(self._database)
        return self._journal


def _named(source: JournalSource) -> FullJournalStore:
    from .._journalling.opening import full_store, journal_store_of

    return full_store(journal_store_of(source), "the inbox")


def _beside(database: Database) -> FullJournalStore | None:
    from ..store.entries import ENTRIES, JournalEntries

    if not {column.name for column in ENTRIES.columns} <= columns_of(database, ENTRIES.name):
        return None
    try:
        return JournalEntries(database, create_table=False)
    except SchemaError as problem:
        logger.warning("webhooks settle nothing in the journal: %s", problem)
        return None
