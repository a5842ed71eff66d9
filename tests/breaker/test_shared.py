"""A breaker that processes share through Redis: a storage that fails or hangs costs neither an answer nor time."""

from __future__ import annotations

import logging
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pybreaker
import pytest

from molam_sdk import CircuitOpenError, ClientConfig, MolamSyncClient, ServerError
from molam_sdk._breaker.breaker import Breaker
from molam_sdk._breaker.settings import BreakerSettings
from molam_sdk._breaker.shared import SharedBreaker, breaker_of
from molam_sdk.cb import create_circuit_breaker
from molam_sdk.testing import ScriptedTransport
from tests.support.absent import leave_out
from tests.support.script import OK, error_reply

ORDER = {"amount": "100.50", "currency": "USD"}
OUTAGE = error_reply(503)


@pytest.fixture
def redis_server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A Redis of the test's own, so that it can be stopped."""
    pytest.importorskip("redis", reason="the extra redis is not installed")
    program = shutil.which("redis-server")
    if program is None:
        leave_out("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"], **quiet)
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert time.monotonic() < until, "redis-server does not start"
    yield process, port
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()


def shared(port: int, **options: Any) -> pybreaker.CircuitBreaker:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    at_once = redis.Redis(port=port, retry=Retry(NoBackoff(), 0))  # else a refusal is late before it is one
    storage = pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, at_once)
    return create_circuit_breaker(state_storage=storage, **options)


def client_of(cb: pybreaker.CircuitBreaker, *script: Any) -> MolamSyncClient:
    config = ClientConfig(api_key="sk_test_x", base_url="https://api.test", max_retries=0)
    return MolamSyncClient(config, cb=cb, transport=ScriptedTransport(*script))


def test_two_clients_share_what_they_saw(redis_server: tuple[subprocess.Popen[bytes], int]) -> None:
    _process, port = redis_server
    one, other = client_of(shared(port, fail_max=2), OUTAGE, OUTAGE), client_of(shared(port, fail_max=2))
    for _ in range(2):
        with pytest.raises(ServerError):
            one.create_payment_intent(ORDER)
    with pytest.raises(CircuitOpenError):
        other.create_payment_intent(ORDER)


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be stopped and continued there")
def test_a_storage_that_hangs_costs_no_answer_and_no_deadline(
    redis_server: tuple[subprocess.Popen[bytes], int], caplog: pytest.LogCaptureFixture
) -> None:
    process, port = redis_server
    client = client_of(shared(port), *[OK] * 20)
    process.send_signal(signal.SIGSTOP)

    began = time.monotonic()
    with caplog.at_level(logging.WARNING, "molam_sdk"):
        results = [client.create_payment_intent(ORDER, timeout=0.5) for _ in range(10)]

    assert (len(results), time.monotonic() - began < 2) == (10, True)
    assert "is late" in caplog.text


def test_a_storage_that_is_gone_costs_no_answer(redis_server: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = redis_server
    client = client_of(shared(port), OK, OUTAGE)
    process.kill()
    process.wait()

    assert client.create_payment_intent(ORDER).id == "pi_1"
    with pytest.raises(ServerError) as caught:
        client.create_payment_intent(ORDER, idempotency_key="order-7")
    assert (caught.value.outcome, caught.value.idempotency_key) == ("unknown", "order-7")


class Broken(pybreaker.CircuitMemoryStorage):
    """As a merchant's own storage whose library raises, once the client stands."""

    raises = False

    def __getattribute__(self, name: str) -> Any:
        if name in ("state", "counter", "increment_counter") and type(self).raises:
            raise ConnectionError("the storage is gone")
        return super().__getattribute__(name)


def test_a_storage_that_raises_costs_no_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cb = create_circuit_breaker(state_storage=Broken(pybreaker.STATE_CLOSED))
    client = client_of(cb, OK, OUTAGE)
    monkeypatch.setattr(Broken, "raises", True)

    with caplog.at_level(logging.WARNING, "molam_sdk"):
        assert client.create_payment_intent(ORDER).id == "pi_1"
        with pytest.raises(ServerError) as caught:
            client.create_payment_intent(ORDER, idempotency_key="order-7")

    assert (caught.value.outcome, caught.value.idempotency_key) == ("unknown", "order-7")
    assert "failed: calls are let through" in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be stopped and continued there")
def test_a_storage_that_comes_back_is_asked_again(redis_server: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = redis_server
    client = client_of(shared(port, fail_max=1), OK, OUTAGE)
    process.send_signal(signal.SIGSTOP)
    client.create_payment_intent(ORDER)
    process.send_signal(signal.SIGCONT)
    breaker = client._breaker.at(client.base_url)
    assert isinstance(breaker, SharedBreaker)
    assert breaker._late is not None
    assert breaker._late.wait(10)

    with pytest.raises(ServerError):
        client.create_payment_intent(ORDER)
    with pytest.raises(CircuitOpenError):
        client.create_payment_intent(ORDER)


def test_a_breaker_of_this_process_alone_is_asked_without_a_thread() -> None:
    assert type(breaker_of(create_circuit_breaker(), BreakerSettings())) is Breaker
