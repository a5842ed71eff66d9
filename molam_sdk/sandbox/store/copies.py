"""The whole of a database as bytes, and back: what a snapshot is made of."""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from .migrations import DamagedDatabaseError

_FILE = "snapshot.sqlite3"


def bytes_of(source: sqlite3.Connection) -> bytes:
    """A copy of this database. By way of a file: Python 3.10 cannot serialize one in memory."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / _FILE
        with closing(sqlite3.connect(path)) as copy:
            source.backup(copy)
        return path.read_bytes()


def put_back(data: bytes, target: sqlite3.Connection) -> None:
    """Make this database what those bytes are; DamagedDatabaseError, and nothing is changed, where they are none."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / _FILE
        path.write_bytes(data)
        with closing(sqlite3.connect(path)) as kept:
            try:
                (found,) = kept.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok" or not kept.execute("SELECT name FROM sqlite_master").fetchone():
                    raise DamagedDatabaseError("this is no snapshot of a sandbox, or not a whole one")
            except sqlite3.DatabaseError:
                raise DamagedDatabaseError("this is no snapshot of a sandbox, or not a whole one") from None
            kept.backup(target)
