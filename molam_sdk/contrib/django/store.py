"""A store in the Django project's own database: the claim shares the transaction of the handlers."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS

from ...store.claims import Clock
from ...store.events import EventClaims
from .database import DjangoDatabase
from .journal import DjangoJournal
from .models import ClaimedEvent

__all__ = ["DjangoStore"]


class DjangoStore(EventClaims):
    """Claims in the table of the app ``molam_sdk.contrib.django``, in the database ``using``.

    Handlers run inside ``transaction.atomic(using)``, and the event is marked done in it: what they write and
    the mark are committed together or not at all, also when the worker is killed. ``clock="caller"`` has leases go by
    the receiver's clock, for tests that hold it.
    """

    def __init__(self, using: str = DEFAULT_DB_ALIAS, *, clock: Clock = "server") -> None:
        self.database = DjangoDatabase(using)
        super().__init__(self.database, ClaimedEvent._meta.db_table, clock)

    def journal(self) -> DjangoJournal:
        """The journal in the same database: a client is given the store, or this."""
        return DjangoJournal(self.database.using)

    def leave_thread(self) -> None:
        """Close the connection of a thread that ends: the inbox's workers call it."""
        self.database.leave_thread()
