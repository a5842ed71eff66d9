"""A transaction torn between any two lines is over: nothing of it stays open in the context, or in the database."""

from __future__ import annotations

import contextvars
import gc
import itertools

import pytest

from molam_sdk.store.database import Database
from tests.support.databases import dropped
from tests.support.tearing import TimeIsUp, Torn, tearing
from tests.support.webhooks.stores import unique

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::sqlalchemy.exc.SAWarning"
)


def _open_here() -> dict[str, object]:
    """What the context says is open."""
    return {
        variable.name: value
        for variable, value in contextvars.copy_context().items()
        if variable.name in ("molam_sqlite", "molam_sqlalchemy") and value is not None
    }


@pytest.mark.parametrize("kind", [Torn, TimeIsUp])
def test_a_transaction_torn_at_any_line_is_over(database: Database, kind: type[BaseException]) -> None:
    def tear(where: str) -> None:
        raise kind(where)

    table = unique("torn")
    with dropped(database, table):
        database.execute(f"CREATE TABLE {table} (line {database.dialect.types['count']})")
        found = 0
        for line in itertools.count(1):
            with tearing(line, tear) as at:
                try:
                    with database.apart():
                        database.execute(f"INSERT INTO {table} (line) VALUES (:line)", {"line": line})
                except kind:
                    pass
            where = at.where
            assert _open_here() == {}, where
            # Whoever comes next is not held up, and finds all of it or nothing.
            with database.apart():
                counted = database.execute(f"SELECT COUNT(*) FROM {table} WHERE line = :line", {"line": line})
            found = counted.rows[0][0]
            if not where:
                break
            assert found in (0, 1), where
        assert (line > 10, found) == (True, 1)
    del at, counted
    gc.collect()  # connections that were torn out of closing go here, and not in somebody else's test
