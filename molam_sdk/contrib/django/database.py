"""Django's connection as a ``Database``: one per thread, and the project's own transaction if one is open."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ...store.database.dialects import Dialect, dialect_of
from ...store.database.seam import Result, Value, committed_apart

_VALUE: Final = re.compile(r"(?<!:):([a-z_]+)")


class DjangoDatabase:
    """The database ``using`` of the project's settings.

    Django has one connection in each thread: a transaction ``apart`` is one of its own only where none is open.
    """

    def __init__(self, using: str) -> None:
        self.using = using

    @property
    def dialect(self) -> Dialect:
        return dialect_of(connections[self.using].vendor)

    def transaction(self) -> AbstractContextManager[None]:
        return transaction.atomic(using=self.using)

    def apart(self) -> AbstractContextManager[None]:
        self._drop_what_broke()
        return transaction.atomic(using=self.using)

    def commit(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        return committed_apart(self, statement, values)

    def joined(self, transaction: object) -> AbstractContextManager[None]:
        """The project's own ``atomic``, which must be open here."""
        if transaction is not None:
            raise ValueError(f"Django knows which transaction is open here, and takes no {type(transaction).__name__}")
        if not is_in_transaction(self.using):
            raise ValueError(
                f"no transaction is open here on the database {self.using!r}: enqueue inside of transaction.atomic(), "
                "so that what you write and what is to be made are committed together"
            )
        return self.transaction()

    def execute(self, statement: str, values: Mapping[str, Value] | None = None) -> Result:
        self._drop_what_broke()
        return run_on(connections[self.using], statement, values)

    def leave_thread(self) -> None:
        """Close this thread's connection; Django closes those of requests alone."""
        connections[self.using].close()

    def _drop_what_broke(self) -> None:
        """Outside of requests nobody else looks whether the server has closed the connection."""
        connection = connections[self.using]
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def is_in_transaction(using: str) -> bool:
    """Whether what is written on the project's connection here is committed by somebody else."""
    connection = connections[using]
    return connection.in_atomic_block or not connection.get_autocommit()


def run_on(connection: BaseDatabaseWrapper, statement: str, values: Mapping[str, Value] | None) -> Result:
    """One statement on one of Django's connections."""
    with connection.cursor() as cursor:
        if values:
            cursor.execute(_marked(statement), dict(values))
        else:
            cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
        return Result(rows, cursor.rowcount)


@functools.lru_cache(512)
def _marked(statement: str) -> str:
    """The statement with its values marked as Django marks them."""
    return _VALUE.sub(r"%(\1)s", statement.replace("%", "%%"))
