"""The databases that the journal of a chaos run stands in, and what happens to them: killed, connections ended."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from typing_extensions import Self

from tests.support.servers import OwnPostgres


class JournalPlace(Protocol):
    """Where the journal is; a block long."""

    url: str
    disturbances: int

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def disturb(self, chance: random.Random) -> None:
        """Take it away in the middle of whatever goes on, and give it back."""
        ...


class SqliteFile:
    """A file: it has no server to be killed; whoever writes to it is."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/molam.db"
        self.disturbances = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def disturb(self, chance: random.Random) -> None:
        """Nothing."""


class PostgresServer:
    """A PostgreSQL of this run's own."""

    def __init__(self, folder: Path) -> None:
        self.disturbances = 0
        self._server = OwnPostgres.made(folder / "postgresql")
        self.url = self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()

    def disturb(self, chance: random.Random) -> None:
        """A server that dies and comes back, or every connection of it ended."""
        self.disturbances += 1
        if chance.random() < 0.4:
            self._server.kill()
            time.sleep(chance.uniform(0, 0.5))
            self._server.start()
            return
        with suppress(ConnectionError):  # by another's hand: it was ended itself
            self._server.terminate_connections()


PLACES: dict[str, Callable[[Path], JournalPlace]] = {"sqlite": SqliteFile, "postgresql": PostgresServer}
