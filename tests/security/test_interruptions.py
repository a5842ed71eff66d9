"""No secret in what tears a call: a signal, a cancellation, a time limit, in the middle of sending or waiting."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import pybreaker
import pytest
from prometheus_client import CollectorRegistry
from requests.adapters import HTTPAdapter

from molam_sdk import BulkheadFullError, CircuitOpenError, ClientConfig, MolamAsyncClient, MolamSyncClient
from molam_sdk.testing import ScriptedTransport, reply
from molam_sdk.transports import RequestsTransport
from tests.security.canaries import LIVE_KEY, PAYMENT, found_in
from tests.security.conftest import Outlets
from tests.security.trackers import TRACKERS, kept_by_sentry
from tests.support.http_server import ENDED, Serve, Wire

pytestmark = pytest.mark.slow

Provoke = Callable[[Callable[[], object]], BaseException]


class TimeIsUpError(Exception):
    """As Celery raises one."""


def _found(error: BaseException, outlets: Outlets) -> dict[str, list[str]]:
    ways = {name: track(error) for name, track in TRACKERS.items()} | outlets.written()
    return {name: found_in(text) for name, text in ways.items() if found_in(text)}


@pytest.mark.parametrize("raised", [TimeIsUpError, KeyboardInterrupt])
@pytest.mark.parametrize("ordinary", [False, True])
def test_a_signal_in_the_middle_of_a_call_shows_nothing(
    raised: type[BaseException], ordinary: bool, serve: Serve, provoke: Provoke, outlets: Outlets
) -> None:
    def ring(_number: int, _frame: object) -> None:
        raise raised

    def hang_up_on(wire: Wire) -> bool:
        os.kill(os.getpid(), signal.SIGUSR1)
        wire.hang()
        return ENDED

    config = ClientConfig(api_key=LIVE_KEY, base_url=serve(usual=hang_up_on).url)
    transport = RequestsTransport(config, adapter=HTTPAdapter()) if ordinary else None
    before = signal.signal(signal.SIGUSR1, ring)
    try:
        with MolamSyncClient(config, transport=transport, registry=outlets.registry) as client:
            error = provoke(partial(client.create_payment_intent, PAYMENT))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert isinstance(error, raised)
    assert _found(error, outlets) == {}


def test_a_cancelled_call_shows_nothing(serve: Serve, provoke: Provoke, outlets: Outlets) -> None:
    async def cancelled(payments: list[Any]) -> None:
        heard = asyncio.Event()
        loop = asyncio.get_running_loop()

        def hang(wire: Wire) -> bool:
            loop.call_soon_threadsafe(heard.set)
            wire.hang()
            return ENDED

        config = ClientConfig(api_key=LIVE_KEY, base_url=serve(usual=hang).url)
        async with MolamAsyncClient(config, registry=outlets.registry) as client:
            call = asyncio.ensure_future(client.create_payment_intent(payments.pop()))
            await heard.wait()
            call.cancel()
            await call

    error = provoke(partial(_run, partial(cancelled, [PAYMENT])))
    assert isinstance(error, asyncio.CancelledError)
    assert _found(error, outlets) == {}


def _run(main: Any) -> None:
    asyncio.run(main())


class _Broken:
    """An observer that raises, while the call goes on."""

    def call_started(self, _start: object) -> None:
        raise RuntimeError("an observer's own mistake")

    def call_ended(self, _record: object) -> None:
        raise RuntimeError("an observer's own mistake")


def test_what_sentry_keeps_of_an_observer_that_fails_is_no_secret(outlets: Outlets) -> None:
    answered = reply(201, {"id": "pi_1", "status": "succeeded", "amount": 5, "currency": "USD"})
    client = MolamSyncClient(
        ClientConfig(api_key=LIVE_KEY), transport=ScriptedTransport(answered), observers=[_Broken()],
        registry=outlets.registry,
    )  # fmt: skip
    with kept_by_sentry() as sent:
        client.create_payment_intent(PAYMENT)
    assert len(sent) == 2
    assert found_in("\n".join(sent)) == []


def test_a_refusing_breaker_and_a_full_bulkhead_show_nothing(provoke: Provoke, outlets: Outlets) -> None:
    breaker = pybreaker.CircuitBreaker(name="shut")
    breaker.open()
    shut = MolamSyncClient(
        ClientConfig(api_key=LIVE_KEY), cb=breaker, transport=ScriptedTransport(), registry=outlets.registry
    )
    error = provoke(partial(shut.create_payment_intent, PAYMENT))
    assert isinstance(error, CircuitOpenError)
    assert _found(error, outlets) == {}

    caught: list[BaseException] = []

    def inside(_request: object) -> Any:
        caught.append(provoke(partial(full.create_payment_intent, PAYMENT)))
        return reply(402, {"error": {"code": "card_declined", "message": "no"}})

    config = ClientConfig(api_key=LIVE_KEY, bulkheads={"payments": 1})
    full = MolamSyncClient(config, transport=ScriptedTransport(inside), registry=CollectorRegistry())
    assert _found(provoke(partial(full.create_payment_intent, PAYMENT)), outlets) == {}
    assert isinstance(caught[0], BulkheadFullError)
    assert _found(caught[0], outlets) == {}
