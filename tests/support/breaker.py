"""Calls through a breaker, and its time."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamError, MolamSyncClient
from molam_sdk._breaker.breaker import Breaker, Passage
from molam_sdk.cb import create_circuit_breaker
from tests.support.script import OK


def guarded(transport: Any, **options: Any) -> MolamSyncClient:
    config = ClientConfig(api_key="sk_live_1", max_retries=0)
    return MolamSyncClient(config, transport=transport, registry=CollectorRegistry(), **options)


def call(client: MolamSyncClient, times: int = 1) -> list[str]:
    """The classes of the errors, or "ok"."""
    ends = []
    for _ in range(times):
        try:
            client.create_payment_intent({"amount": 100.5, "currency": "USD"})
            ends.append("ok")
        except MolamError as error:
            ends.append(type(error).__name__)
    return ends


def let_time_pass(client: MolamSyncClient, seconds: float) -> None:
    storage = client.cb._state_storage
    assert storage.opened_at is not None
    storage.opened_at -= timedelta(seconds=seconds)


class Waiting:
    """Holds every request until it is let go, as a slow server does."""

    def __init__(self, answer: Any = OK) -> None:
        self.answer, self.sent, self.go = answer, threading.Semaphore(0), threading.Event()

    def send(self, request: Any) -> Any:
        self.sent.release()
        assert self.go.wait(10)
        return self.answer

    def sleep(self, seconds: float) -> None:
        raise AssertionError("no pause is due")

    def clock(self) -> float:
        return time.monotonic()

    def close(self) -> None:
        pass


class Clock:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock, *, reset_timeout: float = 1.0) -> Breaker:
    breaker = Breaker(create_circuit_breaker(reset_timeout=reset_timeout), clock=clock)
    breaker.cb.open()
    return breaker


def waits(breaker: Breaker) -> float | None:
    refused = Passage(breaker).admit(again=False)
    return None if refused is None else refused.retry_after
