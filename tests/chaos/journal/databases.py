"""The databases that the journal of a chaos run stands in, and what happens to them: restarted, connections ended."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from typing_extensions import Self


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


class PostgresCluster:
    """A PostgreSQL of this run's own, on a free port of loopback. root starts it as the user ``postgres``."""

    def __init__(self) -> None:
        self.disturbances = 0
        self._programs = programs()
        self._user = "postgres" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="molam-chaos-"))
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            self._port = reserved.getsockname()[1]
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self._port}/postgres"

    def __enter__(self) -> Self:
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8")
        self._control("start")
        return self

    def __exit__(self, *_: object) -> None:
        self._control("stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def disturb(self, chance: random.Random) -> None:
        """A server that dies and comes back, or every connection of it ended."""
        self.disturbances += 1
        if chance.random() < 0.4:
            self._control("restart")
            return
        engine = create_engine(self.url)
        try:
            with engine.connect() as connection:
                ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                connection.execute(text(ended + " AND backend_type = 'client backend'"))
        except DBAPIError:
            pass  # by another's hand: it was ended itself
        finally:
            engine.dispose()

    def _control(self, action: str) -> None:
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        mode = ("-m", "immediate") if action != "start" else ()
        given = ("-o", options) if action != "stop" else ()
        self._run("pg_ctl", action, "-w", "-l", str(self._folder / "log"), *mode, *given)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self._folder / "data"), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=self._user, cwd="/", timeout=120)


def programs() -> Path:
    """The folder of PostgreSQL's programs; ``LookupError`` where it is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    whole = [folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()]
    if not whole:
        raise LookupError("PostgreSQL's initdb and pg_ctl are not installed")
    return whole[-1]


def _cluster(_folder: Path) -> JournalPlace:
    return PostgresCluster()


PLACES: dict[str, Callable[[Path], JournalPlace]] = {"sqlite": SqliteFile, "postgresql": _cluster}
