"""The example shops as they would run: real servers, several workers, a schema and Redis keys of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from tests.support.webhooks.stores import POSTGRES_URL, REDIS_URL, redis_client, redis_prefix, sql_engine, unique

EXAMPLES = Path(__file__).parents[3] / "examples"
WORKERS = 4


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a shop is prepared and started, and how its tables are called."""

    prepare: Sequence[str]
    serve: Callable[[int], Sequence[str]]
    orders: str
    shipments: str
    make_endpoint: Sequence[str]


def _gunicorn(application: str) -> Callable[[int], Sequence[str]]:
    options = ["--workers", str(WORKERS), "--preload", "--log-level", "warning", "--graceful-timeout", "2"]
    return lambda fd: ["-m", "gunicorn", "--bind", f"fd://{fd}", *options, application]


def _uvicorn(application: str) -> Callable[[int], Sequence[str]]:
    options = ["--workers", str(WORKERS), "--log-level", "warning", "--no-access-log"]
    return lambda fd: ["-m", "uvicorn", "--fd", str(fd), *options, application]


RECIPES = {
    "django": Recipe(
        ["-m", "django", "migrate", "--run-syncdb", "--verbosity", "0", "--settings", "django_shop.settings"],
        _gunicorn("django_shop.wsgi"),
        "django_shop_order",
        "django_shop_shipment",
        ["-m", "django", "make_endpoint", "--settings", "django_shop.settings"],
    ),
    "flask": Recipe(
        ["-m", "flask_shop.tables"],
        _gunicorn("flask_shop.app:app"),
        "orders",
        "shipments",
        ["-m", "flask", "--app", "flask_shop.app", "make-endpoint"],
    ),
    "fastapi": Recipe(
        ["-m", "fastapi_shop.tables"],
        _uvicorn("fastapi_shop.app:app"),
        "orders",
        "shipments",
        ["-m", "fastapi_shop.endpoint"],
    ),
}


@dataclass(frozen=True, slots=True)
class RunningShop:
    """A shop that listens: its address, its first process, and a look into its tables."""

    port: int
    process: subprocess.Popen[bytes]
    recipe: Recipe
    schema: str
    engine: Engine

    def open_orders(self, first: int, last: int, amount: int) -> None:
        """Orders as customers would leave them, unpaid."""
        statement = (
            f"INSERT INTO {self.schema}.{self.recipe.orders} (id, amount, currency, paid) "
            f"SELECT n, {amount}, 'XOF', false FROM generate_series({first}, {last}) AS n"
        )
        with self.engine.begin() as connection:
            connection.execute(text(statement))

    def shipments(self) -> dict[int, int]:
        """How many shipments each order has."""
        statement = f"SELECT order_id, count(*) FROM {self.schema}.{self.recipe.shipments} GROUP BY order_id"
        with self.engine.begin() as connection:
            return {int(order): int(number) for order, number in connection.execute(text(statement))}

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in children if b"resource_tracker" not in _command(child)]


def _command(process_id: str) -> bytes:
    try:
        return Path(f"/proc/{process_id}/cmdline").read_bytes()
    except OSError:
        return b""


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket that listens before the shop does, so that nobody has to wait for the shop to start."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        listener.set_inheritable(True)
        yield listener


@contextmanager
def postgres_schema() -> Iterator[tuple[Engine, str]]:
    """A schema that is gone afterwards."""
    schema = unique("molam_test_shop")
    with sql_engine(POSTGRES_URL) as engine:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        try:
            yield engine, schema
        finally:
            with engine.begin() as connection:
                connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))


@contextmanager
def running_shop(kind: str, listener: socket.socket, settings: Mapping[str, str]) -> Iterator[RunningShop]:
    """One of the example shops, started as its README says."""
    recipe = RECIPES[kind]
    with postgres_schema() as (engine, schema), redis_client() as client, redis_prefix(client) as prefix:
        environment = {
            **os.environ,
            **settings,
            "PYTHONPATH": os.pathsep.join([str(EXAMPLES), str(EXAMPLES.parent)]),
            "DATABASE_URL": POSTGRES_URL,
            "PGOPTIONS": f"-c search_path={schema} -c synchronous_commit=off",
            "REDIS_URL": REDIS_URL,
            "REDIS_PREFIX": prefix,
            "LEASE_SECONDS": "2",
        }
        subprocess.run([sys.executable, *recipe.prepare], cwd=EXAMPLES, env=environment, check=True)
        fd = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, *recipe.serve(fd)], cwd=EXAMPLES, env=environment, pass_fds=[fd], start_new_session=True
        )
        try:
            yield RunningShop(listener.getsockname()[1], process, recipe, schema, engine)
        finally:
            _stop(process)


def made_endpoint(kind: str, url: str, settings: Mapping[str, str]) -> dict[str, str]:
    """The secret of the endpoint that the shop's own command makes, under the name that the shop reads it by."""
    environment = {
        **os.environ,
        **settings,
        "PYTHONPATH": os.pathsep.join([str(EXAMPLES), str(EXAMPLES.parent)]),
        "DATABASE_URL": POSTGRES_URL,
        "REDIS_URL": REDIS_URL,
    }
    command = [sys.executable, *RECIPES[kind].make_endpoint, url]
    ran = subprocess.run(command, cwd=EXAMPLES, env=environment, check=True, capture_output=True, text=True)
    name, _, secret = ran.stdout.strip().removeprefix("export ").partition("=")
    return {name: secret}


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
