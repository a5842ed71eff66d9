"""Who runs: the floor (sockets), HTTP libraries, payment SDKs of others, and ours; each makes the same payment."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import ours
from .payload import HEADERS, IDEMPOTENCY_KEY, KEY, PATH, PAYMENT

Call = Callable[[], Any]
AsyncCall = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """``make`` builds the client for a base URL, once, and returns what makes one payment (of an asynchronous one:
    an async context manager of it); ImportError where the library is not installed. ``library`` is the
    distribution whose version is reported."""

    name: str
    make: Callable[[str], Any]
    library: str | None = None
    asynchronous: bool = False


def _raw_socket(url: str) -> Call:
    host, port = urlsplit(url).hostname, urlsplit(url).port
    sock = socket.create_connection((host, port))
    body = json.dumps(PAYMENT).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def call() -> bytes:
        sock.sendall(request)
        return sock.recv(65536)

    return call


def _http_client(url: str) -> Call:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def call() -> bytes:
        connection.request("POST", PATH, json.dumps(PAYMENT).encode(), {"Content-Type": "application/json", **HEADERS})
        return connection.getresponse().read()

    return call


def _urllib3(url: str) -> Call:
    import urllib3

    pool = urllib3.PoolManager()
    return lambda: pool.request("POST", url + PATH, json=PAYMENT, headers=HEADERS).data


def _session_post(url: str) -> Call:
    import requests

    session = requests.Session()
    return lambda: session.post(url + PATH, json=PAYMENT, headers=HEADERS)


def _requests_post(url: str) -> Call:
    import requests

    return lambda: requests.post(url + PATH, json=PAYMENT, headers=HEADERS)


def _httpx(url: str) -> Call:
    import httpx

    client = httpx.Client()
    return lambda: client.post(url + PATH, json=PAYMENT, headers=HEADERS)


def _stripe(url: str) -> Call:
    import stripe

    client = stripe.StripeClient(KEY, base_addresses={"api": url})
    params: Any = {"amount": 10050, "currency": "usd", "description": "Order A1", "metadata": {"order_id": "A1"}}
    return lambda: client.v1.payment_intents.create(params, {"idempotency_key": IDEMPOTENCY_KEY})


def _openai(url: str) -> Call:
    import openai

    client = openai.OpenAI(api_key=KEY, base_url=url + "/openai")
    messages: Any = [{"role": "user", "content": "pay order A1"}]
    return lambda: client.chat.completions.create(model="m", messages=messages)


def _square(url: str) -> Call:
    import square

    payments = square.Square(token=KEY, base_url=url).payments
    money: Any = {"amount": 10050, "currency": "USD"}
    return lambda: payments.create(source_id="cnon", idempotency_key=IDEMPOTENCY_KEY, amount_money=money)


def _adyen(url: str) -> Call:
    import Adyen

    payments = Adyen.Adyen(xapikey=KEY, platform="test").checkout.payments_api
    payments.baseUrl = url + "/adyen"
    payment = {"amount": {"currency": "USD", "value": 10050}, "reference": "A1", "merchantAccount": "M"}
    return lambda: payments.payments(dict(payment), idempotency_key=IDEMPOTENCY_KEY)


def _braintree(url: str) -> Call:
    import braintree
    from braintree.environment import Environment

    host, _, port = urlsplit(url).netloc.partition(":")
    environment = Environment("development", host, port, url, False, None)
    transaction = braintree.BraintreeGateway(braintree.Configuration(environment, "m", "public", "private")).transaction
    sale = {"amount": "100.50", "payment_method_nonce": "nonce", "order_id": "A1"}
    return lambda: transaction.sale(sale)


def _gocardless(url: str) -> Call:
    import gocardless_pro

    client = gocardless_pro.Client(access_token=KEY, base_url=url)
    payment = {"amount": 10050, "currency": "USD", "metadata": {"order_id": "A1"}, "links": {"mandate": "MD1"}}
    return lambda: client.payments.create(params=payment, headers={"Idempotency-Key": IDEMPOTENCY_KEY})


def _razorpay(url: str) -> Call:
    import razorpay

    order = razorpay.Client(auth=("id", "secret"), base_url=url).order
    return lambda: order.create({"amount": 10050, "currency": "USD", "notes": {"order_id": "A1"}})


@asynccontextmanager
async def _aiohttp(url: str) -> AsyncIterator[AsyncCall]:
    import aiohttp

    async with aiohttp.ClientSession() as session:

        async def call() -> bytes:
            async with session.post(url + PATH, json=PAYMENT, headers=HEADERS) as response:
                return await response.read()

        yield call


@asynccontextmanager
async def _httpx_async(url: str) -> AsyncIterator[AsyncCall]:
    import httpx

    async with httpx.AsyncClient() as client:
        yield lambda: client.post(url + PATH, json=PAYMENT, headers=HEADERS)


BASELINE = "requests Session.post"
FULL = "molam, everything on"

CONTESTANTS = (
    Contestant("raw socket", _raw_socket),
    Contestant("http.client", _http_client),
    Contestant("urllib3", _urllib3, "urllib3"),
    Contestant(BASELINE, _session_post, "requests"),
    Contestant("requests.post", _requests_post, "requests"),
    Contestant("httpx", _httpx, "httpx"),
    Contestant("aiohttp", _aiohttp, "aiohttp", asynchronous=True),
    Contestant("httpx, asyncio", _httpx_async, "httpx", asynchronous=True),
    Contestant("stripe", _stripe, "stripe"),
    Contestant("openai", _openai, "openai"),
    Contestant("square", _square, "squareup"),
    Contestant("adyen", _adyen, "Adyen"),
    Contestant("braintree", _braintree, "braintree"),
    Contestant("gocardless", _gocardless, "gocardless-pro"),
    Contestant("razorpay", _razorpay, "razorpay"),
    Contestant("molam, plain client", ours.plain),
    Contestant(FULL, ours.full),
    Contestant("molam, asyncio", ours.asynchronous, "aiohttp", asynchronous=True),
)

# What each feature costs: everything on, but one thing.
FEATURES = (
    Contestant(FULL, ours.full),
    Contestant("without the JSON log line", ours.without_log_line),
    Contestant("logger at WARNING: no line built", ours.quiet),
    Contestant("without metrics", ours.without_metrics),
    Contestant("without the breaker", ours.without_breaker),
    Contestant("key given, not made", ours.with_given_key),
    Contestant("payload as a model, not a dict", ours.with_model),
    Contestant("answer as a dict, not a model", ours.untyped),
    Contestant("retrieve: no body, no key", ours.retrieve),
    Contestant("over requests' own HTTPAdapter", ours.over_http_adapter),
    Contestant("none of these: plain client", ours.plain),
    Contestant(BASELINE, _session_post, "requests"),
)
