"""The journal in the Django project's own database: on a second connection where the project's is in a transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from django.core.signals import request_finished
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ...store.database import LostCommitError, Result, Value, ensure
from ...store.entries import JournalEntries
from ...store.entry_rows import ENTRIES
from .database import DjangoDatabase, is_in_transaction, run_on

__all__ = ["DjangoJournal"]

_ONE_WRITER: Final = (
    "a transaction is open here, SQLite has one writer, and what is written down before a call must outlive the "
    "transaction: call before or after it, or client.journal.enqueue(…) inside of it, for a worker to make"
)


class JournalDatabase(DjangoDatabase):
    """The database ``using``, where a commit is one: inside of the project's ``atomic`` on a second connection."""

    def __init__(self, using: str) -> None:
        super().__init__(using)
        self._here = threading.local()
        self._checked = False
        request_finished.connect(self._end_request)

    @contextmanager
    def apart(self) -> Iterator[None]:
        if is_in_transaction(self.using):
            with self._joining(False), self._second_committed():
                yield
        else:
            with super().apart(), self._joining(True):
                yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction(), self._joining(True):
            yield

    def commit(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        """Where every statement commits by itself, one is enough."""
        connection = connections[self.using]
        if connection.vendor != "postgresql" or is_in_transaction(self.using):
            return super().commit(statement, values)
        try:
            return self.execute(statement, values)
        except (OperationalError, InterfaceError) as problem:
            if connection.is_usable():
                raise
            raise LostCommitError(str(problem)) from problem

    def execute(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        self._check_table()
        if self._is_joined or not is_in_transaction(self.using):
            return super().execute(statement, values)
        return run_on(self._second(), statement, values)

    def leave_thread(self) -> None:
        second: BaseDatabaseWrapper | None = getattr(self._here, "second", None)
        if second is not None:
            second.close()
        super().leave_thread()

    @property
    def _is_joined(self) -> bool:
        """Whether what runs here belongs into the transaction of the project's connection."""
        return bool(getattr(self._here, "joined", False))

    @contextmanager
    def _joining(self, joined: bool) -> Iterator[None]:
        before, self._here.joined = self._is_joined, joined
        try:
            yield
        finally:
            self._here.joined = before

    def _second(self) -> BaseDatabaseWrapper:
        """This thread's other connection; one that broke is opened again."""
        if connections[self.using].vendor == "sqlite":
            raise RuntimeError(_ONE_WRITER)
        held: BaseDatabaseWrapper | None = getattr(self._here, "second", None)
        second: BaseDatabaseWrapper = connections[self.using].copy() if held is None else held
        self._here.second = second
        if second.errors_occurred and second.autocommit:
            second.close_if_unusable_or_obsolete()
        return second

    def _end_request(self, **_: object) -> None:
        """As Django does with its own connections."""
        second: BaseDatabaseWrapper | None = getattr(self._here, "second", None)
        if second is not None:
            second.close_if_unusable_or_obsolete()

    @contextmanager
    def _second_committed(self) -> Iterator[None]:
        second = self._second()
        second.set_autocommit(False)
        try:
            yield
            second.commit()
        except BaseException:
            second.close()  # rolls back, also where the connection is past saying so
            raise
        second.set_autocommit(True)

    def _check_table(self) -> None:
        """Once, when it is first used: a project's modules are imported before its migrations are run."""
        if self._checked:
            return
        self._checked = True
        try:
            ensure(self, ENTRIES, make=False)
        except BaseException:
            self._checked = False
            raise


class DjangoJournal(JournalEntries):
    """The journal in the table that ``migrate`` makes for the app ``molam_sdk.contrib.django``, in ``using``.

    What is written down before a call is committed whatever becomes of a transaction that is open around it: then on
    a second connection of the thread. ``client.journal.enqueue(…)`` joins the transaction instead.
    """

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        super().__init__(JournalDatabase(using), is_checked=True)
