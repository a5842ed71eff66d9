"""Servers of a test's own, which may be killed: PostgreSQL, MariaDB, Redis, each in a folder, on a port of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pymysql
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

_START_SECONDS: Final = 120.0


class Server:
    """A program that is started, killed in the middle of whatever it does, and started again on the same data."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def ask(self) -> None:
        """Raise unless it answers."""
        raise NotImplementedError

    def terminate_connections(self) -> None:
        """Close every connection from the server's side."""
        raise NotImplementedError

    def start(self) -> None:
        """Begin a life; returns when it answers. One that ends at once, since the life before still has its port or its
        memory, is begun again."""
        give_up = time.monotonic() + _START_SECONDS
        while True:
            if self._process is None or self._process.poll() is not None:
                with (self.folder / "log").open("ab") as log:
                    self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)
            try:
                self.ask()
            except Exception as error:
                if time.monotonic() > give_up:
                    raise TimeoutError((self.folder / "log").read_text(errors="replace")[-2000:]) from error
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        """SIGKILL to all of it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class OwnPostgres(Server):
    """PostgreSQL. It does not run as root, so root runs it as the user postgres."""

    @classmethod
    def made(cls, folder: Path) -> OwnPostgres:
        """A new cluster, or the one that is in the folder."""
        server = cls(folder, free_port())
        if folder.exists():
            return server
        folder.mkdir()
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        options = ["--no-sync", "--auth=trust", "--encoding=UTF8", "--username=postgres"]
        _run([*_as_postgres(), program("initdb"), *options, "-D", str(folder / "data")])
        return server

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def command(self) -> Sequence[str]:
        # A process that is killed loses nothing without fsync: what it wrote is the system's.
        options = ["-p", str(self.port), "-k", "", "-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"]
        return [*_as_postgres(), program("postgres"), "-D", str(self.folder / "data"), *options]

    def ask(self) -> None:
        _sql(self.url, "SELECT 1")

    def kill(self) -> None:
        """The first process by SIGKILL; its children end themselves when they notice, as after a crash."""
        pid_file = self.folder / "data" / "postmaster.pid"
        pid = int(pid_file.read_text().split()[0]) if pid_file.exists() else None
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        super().kill()
        while pid is not None and _children_of(self.folder / "data"):
            time.sleep(0.02)
        pid_file.unlink(missing_ok=True)

    def terminate_connections(self) -> None:
        _sql(self.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
             " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")  # fmt: skip


class OwnMariadb(Server):
    """MariaDB."""

    @classmethod
    def made(cls, folder: Path) -> OwnMariadb:
        """New data, with a database ``test``."""
        server = cls(folder, free_port())
        folder.mkdir()
        _run([program("mariadb-install-db"), "--no-defaults", *_as_root(), f"--datadir={folder / 'data'}",
              "--skip-test-db", "--auth-root-authentication-method=normal"])  # fmt: skip
        server.start()
        _sql(server.url.removesuffix("/test") + "/mysql", "CREATE DATABASE test")
        server.kill()
        return server

    @property
    def url(self) -> str:
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/test"

    def command(self) -> Sequence[str]:
        paths = [f"--datadir={self.folder / 'data'}", f"--socket={self.folder / 'socket'}"]
        options = ["--skip-networking=0", "--bind-address=127.0.0.1", f"--port={self.port}", "--skip-log-bin"]
        return [
            program("mariadbd"),
            "--no-defaults",
            *_as_root(),
            *paths,
            *options,
            "--innodb-flush-log-at-trx-commit=2",
        ]

    def ask(self) -> None:
        pymysql.connect(host="127.0.0.1", port=self.port, user="root").close()

    def terminate_connections(self) -> None:
        connection = pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE db = 'test'")
            for (process,) in cursor.fetchall():
                with suppress(pymysql.MySQLError):
                    cursor.execute(f"KILL {int(process)}")


class OwnRedis(Server):
    """Redis that writes to disk before it answers."""

    @classmethod
    def made(cls, folder: Path) -> OwnRedis:
        """An empty one."""
        folder.mkdir()
        return cls(folder, free_port())

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "save": "", "appendonly": "yes"}
        named = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [program("redis-server"), *named, "--appendfsync", "always", "--maxmemory-policy", "noeviction"]

    def ask(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.ping()

    def terminate_connections(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


MAKERS: Final[dict[str, Callable[[Path], Server]]] = {
    "postgresql": OwnPostgres.made,
    "mariadb": OwnMariadb.made,
    "redis": OwnRedis.made,
}
_PROGRAMS: Final = {"postgresql": "initdb", "mariadb": "mariadb-install-db", "redis": "redis-server"}
_BESIDE_THE_PATH: Final = ("/usr/lib/postgresql/*/bin", "/usr/sbin")


def is_installed(kind: str) -> bool:
    """Whether a server of this kind can be made here."""
    try:
        program(_PROGRAMS[kind])
    except LookupError:
        return False
    return True


def program(name: str) -> str:
    """The path of a program; Debian keeps PostgreSQL's apart, a folder for each version, of which the newest counts."""
    found = shutil.which(name)
    for pattern in _BESIDE_THE_PATH if found is None else ():
        folders = sorted(Path("/").glob(pattern.removeprefix("/")), key=_version, reverse=True)
        found = next((path for folder in folders if (path := shutil.which(name, path=str(folder)))), found)
    if found is None:
        raise LookupError(f"{name} is not installed")
    return found


def _version(folder: Path) -> float:
    return next((float(part) for part in folder.parts if part.replace(".", "", 1).isdigit()), 0.0)


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        return int(reserved.getsockname()[1])


def _children_of(data: Path) -> list[str]:
    """Processes that still have the data directory for their own."""
    found = []
    for folder in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if folder.readlink() == data:
                found.append(folder.parent.name)
    return found


def _sql(url: str, statement: str) -> Any:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            return connection.execute(text(statement)).rowcount
    except DBAPIError as error:
        raise ConnectionError(str(error)) from None
    finally:
        engine.dispose()


def _as_postgres() -> list[str]:
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []


def _as_root() -> list[str]:
    return ["--user=root"] if os.getuid() == 0 else []


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        raise RuntimeError(f"{command[-1]}: {done.stderr.decode()[-2000:]}")
