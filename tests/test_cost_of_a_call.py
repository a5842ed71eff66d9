"""What a call may cost, counted instead of timed: function calls, memory, garbage, and what importing loads."""

from __future__ import annotations

import io
import json
import logging
import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pybreaker
import pytest
from prometheus_client import CollectorRegistry

import molam_sdk
from molam_sdk import ClientConfig, MolamClient, MolamSyncClient
from molam_sdk.logging_setup import JsonFormatter
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.sandbox_process import ROOT

PAYMENT = {"amount": 100.5, "currency": "USD", "customer_id": "cus_1", "metadata": {"order_id": "A1"}}
ANSWER = json.dumps(PAYMENT | {"id": "pi_1", "status": "requires_confirmation"}).encode()
HEAD = (
    "HTTP/1.1 201 Created\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 09:00:00 GMT\r\n"
    "Content-Type: application/json\r\n"
    f"Content-Length: {len(ANSWER)}\r\nConnection: keep-alive\r\nX-Molam-Request-Id: req_1\r\n\r\n"
).encode()
OUR_CODE = str(Path(molam_sdk.__file__).parent)

# Python functions entered per call on the dearest Python we support, and a tenth on top. A new one is welcome where
# it is worth its microsecond; then raise the figure in the same change.
OURS_PLAIN, OURS_FULL = 130, 178
ALL_PLAIN, ALL_FULL = 210, 330


@contextmanager
def served() -> Iterator[str]:
    """A server that answers every request on one connection with the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.fixture
def url() -> Iterator[str]:
    with served() as url:
        yield url


def _answer(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        while connection.recv(65536):  # a request leaves in one piece
            connection.sendall(HEAD + ANSWER)


@pytest.fixture
def plain(url: str) -> Iterator[Callable[[], Any]]:
    """A payment by a client without breaker, metrics and log line, its connection open."""
    with MolamClient(ClientConfig(api_key="sk_test_1", base_url=url)) as client:
        yield _warmed(client)


@contextmanager
def fully_equipped(url: str) -> Iterator[Callable[[], Any]]:
    """A payment by the client for production, its log line written."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("molam_sdk")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    with MolamSyncClient(ClientConfig(api_key="sk_test_1", base_url=url), registry=CollectorRegistry()) as client:
        pay = _warmed(client)

        def call() -> Any:
            logger.handlers = [handler]  # pytest hangs its own on any logger when the test begins: not ours to count
            return pay()

        yield call
    logger.propagate = True
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(handler)


@pytest.fixture
def full(url: str) -> Iterator[Callable[[], Any]]:
    with fully_equipped(url) as call:
        yield call


def _warmed(client: MolamClient) -> Callable[[], Any]:
    for _ in range(3):
        client.create_payment_intent(PAYMENT)
    return lambda: client.create_payment_intent(PAYMENT)


def test_a_plain_call_enters_a_bounded_number_of_functions(plain: Callable[[], Any]) -> None:
    ours, all_of_them = _functions_entered(plain)
    assert (ours <= OURS_PLAIN, all_of_them <= ALL_PLAIN) == (True, True), (ours, all_of_them)


def test_a_call_with_everything_on_enters_a_bounded_number_of_functions(full: Callable[[], Any]) -> None:
    ours, all_of_them = _functions_entered(full)
    assert (ours <= OURS_FULL, all_of_them <= ALL_FULL) == (True, True), (ours, all_of_them)


def _functions_entered(call: Callable[[], Any]) -> tuple[int, int]:
    """How many Python functions one call enters in this thread: those of the SDK, and all of them.

    The fewest of some calls: what is renewed each second is no cost of each call.
    """
    return min(_entered(call) for _ in range(5))


def _entered(call: Callable[[], Any]) -> tuple[int, int]:
    ours = all_of_them = 0

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal ours, all_of_them
        if event == "call":
            all_of_them += 1
            ours += frame.f_code.co_filename.startswith(OUR_CODE)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(before)
    return ours, all_of_them


def test_a_call_needs_little_memory_at_a_time(full: Callable[[], Any]) -> None:
    for _ in range(10):  # what is built at first use, and by now and then, is no cost of a call
        full()
    tracemalloc.start()
    try:
        full()
        assert min(_memory_of(full) for _ in range(5)) < 28 * 1024  # a thread of somebody else's may allocate beside
    finally:
        tracemalloc.stop()


def _memory_of(call: Callable[[], Any]) -> int:
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    call()
    _, peak = tracemalloc.get_traced_memory()
    return peak - before


GARBAGE = """
import gc
from tests.test_cost_of_a_call import fully_equipped, served
with served() as url, fully_equipped(url) as call:
    for _ in range(10):  # as above
        call()
    gc.collect()
    gc.disable()
    for _ in range(20):
        call()
    print(gc.collect())
"""


def test_a_call_leaves_nothing_for_the_garbage_collector() -> None:
    # In a process of its own, where nobody else leaves any.
    assert subprocess.check_output([sys.executable, "-c", GARBAGE], text=True, cwd=ROOT, timeout=60) == "0\n"


def test_a_success_waits_for_no_lock_of_the_breaker() -> None:
    client = _scripted(calls=1)
    with client.cb._lock:
        thread = threading.Thread(target=client.create_payment_intent, args=(PAYMENT,))
        thread.start()
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_whoever_listens_for_successes_hears_of_each() -> None:
    class Listener(pybreaker.CircuitBreakerListener):
        heard = 0

        def success(self, _cb: pybreaker.CircuitBreaker) -> None:
            self.heard += 1

    listener, client = Listener(), _scripted(calls=3)
    client.cb.add_listener(listener)
    for _ in range(3):
        client.create_payment_intent(PAYMENT)
    assert listener.heard == 3


def _scripted(calls: int) -> MolamSyncClient:
    transport = ScriptedTransport(*[reply(201, json.loads(ANSWER))] * calls)
    return MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=transport, registry=CollectorRegistry())


# pybreaker imports redis and tornado itself where they are installed; a module that is None cannot be imported.
LOADED = """
import sys
sys.modules.update(redis=None, tornado=None)
{statement}
print(*(name for name, module in sys.modules.items() if module is not None))
"""
EXTRAS = {
    "aiohttp", "asyncio", "sqlalchemy", "starlette", "uvicorn", "click", "django", "flask", "fastapi", "redis",
    "opentelemetry", "pytest", "httpx",
}  # fmt: skip


def test_importing_the_package_loads_no_extra() -> None:
    assert EXTRAS & _loaded_by("import molam_sdk; molam_sdk.MolamSyncClient") == set()


def test_a_plain_client_loads_neither_metrics_nor_webhooks() -> None:
    loaded = _loaded_by("import molam_sdk; molam_sdk.MolamClient(molam_sdk.ClientConfig(api_key='sk_live_1'))")
    assert {"prometheus_client", "molam_sdk.metrics", "molam_sdk.webhooks", "molam_sdk.testing"} & loaded == set()


def test_what_the_package_loads_beside_its_libraries_is_its_own() -> None:
    libraries = _loaded_by(
        "import requests, pybreaker, prometheus_client, pydantic\n"
        "class Model(pydantic.BaseModel): field: int\n"
        "pydantic.BeforeValidator, pydantic.PlainSerializer, pydantic.model_validator"
    )
    added = _loaded_by("import molam_sdk; molam_sdk.MolamSyncClient") - libraries
    assert {name for name in added if not name.startswith("molam_sdk")} == set()


def _loaded_by(statement: str) -> set[str]:
    """What a fresh interpreter has loaded after a statement."""
    command = [sys.executable, "-c", LOADED.format(statement=statement)]
    return set(subprocess.check_output(command, text=True).split())
