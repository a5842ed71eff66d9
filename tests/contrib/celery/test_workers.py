"""Real workers, real brokers: whatever is killed in the middle, an order is executed once, and its error is whole."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from molam_sdk import DeclinedError, MolamTimeoutError
from tests.support.absent import leave_out
from tests.support.sandbox_api import Api
from tests.support.sandbox_process import Process

pytest.importorskip("celery", reason="the extra celery is not installed")

from celery.result import AsyncResult

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[3]
REDIS = "redis://127.0.0.1:6379/0"
BROKERS = {"redis": (6379, REDIS), "rabbitmq": (5672, "amqp://guest:guest@127.0.0.1:5672//")}
POOLS = ["prefork", "gevent", "threads"]
PATIENCE = 90.0
VISIBILITY_TIMEOUT = 5.0  # as shop_app.py sets it


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Ask until it is so; what is waited for happens in other processes."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


class Worker:
    """`celery worker` in a process group of its own, so that all of it can be killed at once."""

    def __init__(self, pool: str, environment: dict[str, str], log: Path) -> None:
        self.log = log
        command = [sys.executable, "-m", "celery", "-A", "shop_app", "worker", "--pool", pool, "--concurrency", "2",
                   "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]  # fmt: skip
        with log.open("ab") as out:
            self.popen = subprocess.Popen(
                command, cwd=PROGRAMS, env=environment, stdout=out, stderr=out, start_new_session=True
            )
        until(lambda: b" ready." in log.read_bytes() or self.popen.poll() is not None)
        assert self.popen.poll() is None, log.read_text()

    def children(self) -> list[int]:
        """The processes of its pool."""
        listing = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text()
        return [int(pid) for pid in listing.split()]

    def kill(self) -> None:
        """End the worker and its pool as the kernel does when memory is short."""
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(timeout=15)


class Shop:
    """A queue of its own on one broker, the sandbox behind it, and the workers that were started."""

    def __init__(self, broker: str, sandbox: Process, folder: Path) -> None:
        self.queue = f"molam-test-{uuid.uuid4().hex[:12]}"
        self.environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            "PYTHONWARNINGS": "ignore",
            "SHOP_BROKER": BROKERS[broker][1],
            "SHOP_RESULTS": REDIS,
            "SHOP_QUEUE": self.queue,
            "MOLAM_API_KEY": sandbox.key,
            "MOLAM_BASE_URL": sandbox.url,
            "MOLAM_MAX_RETRIES": "0",
        }
        self.folder, self.sandbox, self.workers = folder, sandbox, list[Worker]()
        self.app = self._import()

    def start(self, pool: str) -> Worker:
        log = self.folder / f"worker-{len(self.workers)}.log"
        self.workers.append(Worker(pool, self.environment, log))
        return self.workers[-1]

    def pay(self, *orders: str, task: str = "pay", amount: int = 10) -> dict[str, AsyncResult[Any]]:
        return {order: getattr(self.app, task).delay(order, amount) for order in orders}

    def executions(self, order: str, operation: str = "create_payment_intent") -> int:
        api = Api(self.sandbox.url, self.sandbox.key)
        try:
            found: int = api.get("/_sandbox/ledger", order=order, operation=operation).json()["executions"]
        finally:
            api.close()
        return found

    def has_done(self, requests: int) -> bool:
        """Whether so many requests have been carried out."""
        api = Api(self.sandbox.url, self.sandbox.key)
        try:
            return len(api.get("/_sandbox/audit").json()["data"]) >= requests
        finally:
            api.close()

    def logs(self) -> str:
        return "\n".join(worker.log.read_text() for worker in self.workers)

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
        with self.app.app.connection_for_write() as connection:
            connection.default_channel.queue_delete(self.queue)
        redis = self.app.app.backend.client
        for key in redis.scan_iter(f"{self.queue}*"):
            redis.delete(key)
        self.app.app.close()

    def _import(self) -> ModuleType:
        with pytest.MonkeyPatch.context() as patch:
            for name in self.environment.keys() - os.environ.keys():
                patch.setenv(name, self.environment[name])
            patch.syspath_prepend(str(PROGRAMS))
            sys.modules.pop("shop_app", None)
            return importlib.import_module("shop_app")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    made: list[tuple[Shop, Process]] = []

    def make(broker: str, *faults: str) -> Shop:
        for name in {broker, "redis"}:  # results lie in Redis
            if not _listens(BROKERS[name][0]):
                leave_out(f"no {name} on 127.0.0.1:{BROKERS[name][0]}")
        pytest.importorskip("redis", reason="the extra redis is not installed")
        sandbox = Process(*[part for fault in faults for part in ("--fault", fault)])
        made.append((Shop(broker, sandbox, tmp_path), sandbox))
        return made[-1][0]

    yield make
    for one, sandbox in made:
        one.close()
        sandbox.kill()


def pools() -> list[Any]:
    return [pytest.param(broker, pool, id=f"{broker}-{pool}") for broker in BROKERS for pool in POOLS]


@pytest.mark.parametrize(("broker", "pool"), pools())
def test_an_order_is_executed_once_though_its_worker_was_killed_in_the_call(
    shop: Callable[..., Shop], broker: str, pool: str
) -> None:
    if pool == "gevent":
        pytest.importorskip("gevent", reason="gevent is not installed")
    # Two calls are carried out, and while their answers drip the worker dies.
    here = shop(broker, "drip_headers:operation=create_payment_intent,times=2,seconds=2")
    first = here.start(pool)
    orders = [f"order-{number}" for number in range(6)]
    results = here.pay(*orders)
    # Both places of the pool are in a call, so no message is on its way out of Redis, which would lose it.
    until(lambda: here.has_done(2))
    first.kill()
    if broker == "redis":  # a worker with gevent or threads looks only as it starts for what another one left
        given_back = time.monotonic() + VISIBILITY_TIMEOUT
        until(lambda: time.monotonic() > given_back)
    here.start(pool)
    paid = {order: result.get(timeout=PATIENCE) for order, result in results.items()}
    assert len(set(paid.values())) == 6
    assert [here.executions(order) for order in orders] == [1] * 6
    assert [here.executions(order, "confirm_payment_intent") for order in orders] == [1] * 6


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_worker_that_runs_already_is_given_what_a_killed_one_left_in_redis(
    shop: Callable[..., Shop], pool: str
) -> None:
    """It looks again and again, not only as it starts; with gevent it was not seen to."""
    here = shop("redis", "drip_headers:operation=create_payment_intent,times=2,seconds=2")
    first = here.start(pool)
    results = here.pay("order-1", "order-2")
    until(lambda: here.has_done(2))
    second = here.start(pool)  # before the messages of the first are anybody else's
    first.kill()
    assert len({result.get(timeout=PATIENCE) for result in results.values()}) == 2
    assert [here.executions(order) for order in results] == [1, 1]
    assert [worker.log.read_text().count("succeeded in") for worker in (first, second)] == [0, 2]


@pytest.mark.parametrize("broker", BROKERS)
def test_an_order_is_executed_once_though_a_process_of_the_pool_was_killed(
    shop: Callable[..., Shop], broker: str
) -> None:
    here = shop(broker, "drip_headers:operation=create_payment_intent,times=1,seconds=2")
    worker = here.start("prefork")
    results = here.pay("order-1")
    until(lambda: here.has_done(1))
    for pid in worker.children():
        os.kill(pid, signal.SIGKILL)
    assert results["order-1"].get(timeout=PATIENCE, propagate=False).startswith("pi_")
    assert (here.executions("order-1"), here.executions("order-1", "confirm_payment_intent")) == (1, 1)


@pytest.mark.parametrize(("broker", "pool"), pools())
def test_answers_that_are_lost_are_asked_for_again_and_errors_arrive_whole(
    shop: Callable[..., Shop], broker: str, pool: str
) -> None:
    if pool == "gevent":
        pytest.importorskip("gevent", reason="gevent is not installed")
    here = shop(broker, "drop_after_commit:times=3")
    here.start(pool)
    results = here.pay("order-1", "order-2")
    declined = here.pay("order-3", amount=990001)["order-3"]
    assert all(result.get(timeout=PATIENCE).startswith("pi_") for result in results.values())
    with pytest.raises(DeclinedError) as caught:
        declined.get(timeout=PATIENCE)
    error = caught.value
    assert (error.outcome, error.code, error.status_code) == ("rejected", "card_declined", 402)
    assert (error.operation, error.idempotency_key) == (
        "confirm_payment_intent",
        f"celery/{declined.id}/confirm",
    )
    assert error.request is not None
    assert error.request.body == b"{}"
    assert error.request_id
    assert [here.executions(f"order-{number}") for number in (1, 2, 3)] == [1, 1, 1]


def test_an_error_of_a_task_without_our_base_arrives_whole_too(shop: Callable[..., Shop]) -> None:
    here = shop("redis", "drip_headers:times=1,seconds=2")
    here.start("threads")
    with pytest.raises(MolamTimeoutError) as caught:
        here.app.pay_plainly.delay("order-9").get(timeout=PATIENCE)
    error = caught.value
    assert (error.outcome, error.idempotency_key, error.attempts) == ("unknown", "order-9", 1)
    assert error.request is not None
    assert error.request.method == "POST"


@pytest.mark.parametrize("broker", BROKERS)
def test_a_time_limit_that_falls_into_a_call_ends_in_one_execution(shop: Callable[..., Shop], broker: str) -> None:
    here = shop(broker, "drip_headers:operation=create_payment_intent,times=1,seconds=3")
    here.start("prefork")
    assert here.pay("order-1", task="pay_in_time")["order-1"].get(timeout=PATIENCE).startswith("pi_")
    assert (here.executions("order-1"), here.executions("order-1", "confirm_payment_intent")) == (1, 1)
