"""The one way to a SQL database: what differs between databases, the tables as data, and who speaks to them.

``sqlite`` needs no extra, ``alchemy`` the extra ``sql``; Django's connection stands in its app.
"""

from __future__ import annotations

from .dialects import MYSQL, POSTGRESQL, SQLITE, Dialect, dialect_of
from .schema import Column, Index, SchemaError, Table, columns_of, ensure
from .seam import Database, LostCommitError, NoConnectionError, Result, SteppedDatabase, Value, database_time

__all__ = [
    "MYSQL",
    "POSTGRESQL",
    "SQLITE",
    "Column",
    "Database",
    "Dialect",
    "Index",
    "LostCommitError",
    "NoConnectionError",
    "Result",
    "SchemaError",
    "SteppedDatabase",
    "Table",
    "Value",
    "columns_of",
    "database_time",
    "dialect_of",
    "ensure",
]
