"""Our contestants: the full client, and the full client without one thing at a time."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from requests import Session
from requests.adapters import HTTPAdapter

from molam_sdk import ClientConfig, MolamClient, MolamSyncClient, PaymentIntentCreate
from molam_sdk.logging_setup import LogObserver, setup_structured_logger
from molam_sdk.metrics import MetricsObserver
from molam_sdk.transports import RequestsTransport

from .payload import IDEMPOTENCY_KEY, KEY, PAYMENT

Call = Callable[[], Any]


def config(url: str, **settings: Any) -> ClientConfig:
    """Everything at its default but the key and where to call."""
    return ClientConfig(api_key=KEY, base_url=url, **settings)


def log_to_nowhere(level: int = logging.INFO) -> None:
    """The JSON log line is built and written, to a file that keeps nothing."""
    setup_structured_logger(level, stream=Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def full_client(url: str, **settings: Any) -> MolamSyncClient:
    """The client for production, with its log line at INFO."""
    log_to_nowhere()
    return MolamSyncClient(config(url, **settings), registry=CollectorRegistry())


def plain(url: str) -> Call:
    client = MolamClient(config(url))
    return lambda: client.create_payment_intent(PAYMENT)


def full(url: str) -> Call:
    client = full_client(url)
    return lambda: client.create_payment_intent(PAYMENT)


@asynccontextmanager
async def asynchronous(url: str) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    from molam_sdk import MolamAsyncClient

    log_to_nowhere()
    async with MolamAsyncClient(config(url), registry=CollectorRegistry()) as client:
        yield lambda: client.create_payment_intent(PAYMENT)


def without_log_line(url: str) -> Call:
    return _observed(url, MetricsObserver)


def quiet(url: str) -> Call:
    """Asked for by nobody: the logger of the SDK itself stands above INFO."""
    client = full_client(url)
    aside = logging.getLogger("molam_sdk.benchmark")
    aside.setLevel(logging.WARNING)
    client._observers = (client._observers[0], LogObserver(aside))
    return lambda: client.create_payment_intent(PAYMENT)


def without_metrics(url: str) -> Call:
    return _observed(url, LogObserver)


def without_breaker(url: str) -> Call:
    log_to_nowhere()
    client = MolamClient(config(url), observers=(MetricsObserver(CollectorRegistry()), LogObserver()))
    return lambda: client.create_payment_intent(PAYMENT)


def with_given_key(url: str) -> Call:
    client = full_client(url)
    return lambda: client.create_payment_intent(PAYMENT, idempotency_key=IDEMPOTENCY_KEY)


def with_model(url: str) -> Call:
    client = full_client(url)
    payload = PaymentIntentCreate(**PAYMENT)
    return lambda: client.create_payment_intent(payload)


def untyped(url: str) -> Call:
    client = full_client(url)
    return lambda: client.post("/v1/connect/payment_intents", PAYMENT)


def retrieve(url: str) -> Call:
    client = full_client(url)
    return lambda: client.retrieve_payment_intent("pi_01HV7Z8Q6J3K5M7N")


def over_http_adapter(url: str) -> Call:
    """Without our sockets: no total deadline, no bound on the body while it is read, no fork guard."""
    log_to_nowhere()
    settings = config(url)
    transport = RequestsTransport(settings)
    transport.session.mount(url, _RequestsOwn(pool_maxsize=settings.pool_size))
    client = MolamSyncClient(settings, registry=CollectorRegistry(), transport=transport)
    return lambda: client.create_payment_intent(PAYMENT)


class _RequestsOwn(HTTPAdapter):
    """requests as it is, with a number for its timeout and the length that our sockets would have added."""

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.headers["Content-Length"] = str(len(request.body or b""))
        return super().send(request, *args, **{**kwargs, "timeout": 10.0})


def _observed(url: str, kept: type) -> Call:
    client = full_client(url)
    client._observers = tuple(observer for observer in client._observers if isinstance(observer, kept))
    return lambda: client.create_payment_intent(PAYMENT)


def session_with_pool(size: int) -> Session:
    """requests as a merchant with many threads should set it up."""
    session = Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=size))
    return session
