"""Greenlets that write to one SQLite file, each holding its lock while it lets the others run."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402  # after gevent has made the rest green
import time  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

GREENLETS = 8


def opened(speaker: str, file: str) -> Any:
    """The file as one of the two ways to it."""
    if speaker == "sqlite":
        from molam_sdk.store.database.sqlite import SqliteDatabase

        return SqliteDatabase(file)
    from sqlalchemy import create_engine

    from molam_sdk.store.database.alchemy import AlchemyDatabase

    return AlchemyDatabase(create_engine(f"sqlite:///{file}"))


def main(speaker: str, file: str) -> None:
    """Say how many rows were written, and whether anybody stood still for as long as SQLite would wait in C."""
    database = opened(speaker, file)
    database.execute("CREATE TABLE notes (word TEXT)")

    def write(number: int) -> None:
        with database.transaction():
            database.execute("INSERT INTO notes VALUES (:word)", {"word": str(number)})
            gevent.sleep(0.02)

    began = time.monotonic()
    gevent.joinall([gevent.spawn(write, number) for number in range(GREENLETS)], raise_error=True)
    rows = database.execute("SELECT count(*) FROM notes").rows[0][0]
    print(f"{rows} rows, {'waited together' if time.monotonic() - began < 4 else 'stood still'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
