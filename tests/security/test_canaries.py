"""No secret of twelve kinds comes out of any error, of any client, by any way that shows or stores one."""

from __future__ import annotations

import asyncio
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from molam_sdk import ClientConfig, MolamAsyncClient, MolamClient, MolamError, MolamSyncClient
from molam_sdk.plain_async_client import PlainAsyncClient
from molam_sdk.transports import RequestsTransport
from tests.security.canaries import CALLABLE_KEY, KEYS, LIVE_KEY, OWN_FIELD, PROXY_USER, found_in
from tests.security.conftest import Outlets, sealed_vault
from tests.security.situations import BEFORE_SENDING, ON_THE_WAY, Situation
from tests.security.trackers import QUICK, TRACKERS
from tests.support.certificates import Certificates
from tests.support.http_server import HostileServer, Serve

pytestmark = pytest.mark.slow  # together a minute

Provoke = Callable[[Callable[[], object]], BaseException]


class Shop:
    """A client of one kind, and how its calls are run."""

    def __init__(self, kind: str, config: ClientConfig, outlets: Outlets) -> None:
        self.loop = asyncio.new_event_loop() if kind.startswith("async") else None
        watched: dict[str, Any] = {"observers": [outlets.observer()]}
        if kind.endswith("guarded"):
            watched["registry"] = outlets.registry
        if kind == "ordinary guarded":
            watched["transport"] = RequestsTransport(config, adapter=HTTPAdapter())
        made = {
            "plain": MolamClient,
            "guarded": MolamSyncClient,
            "ordinary guarded": MolamSyncClient,
            "async plain": PlainAsyncClient,
            "async guarded": MolamAsyncClient,
        }[kind]
        self.client: Any = made(config, **watched)
        self.client.headers["X-Shop"] = OWN_FIELD

    def call(self, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Callable[[], object]:
        """The call, ready to be made; nothing of it stands in a frame."""
        method = functools.partial(getattr(self.client, name), *arguments, **options)
        loop = self.loop
        return method if loop is None else functools.partial(_run, loop, [method])

    def close(self) -> None:
        if self.loop is None:
            self.client.close()
        else:
            self.loop.run_until_complete(self.client.close())
            self.loop.close()


def _run(loop: asyncio.AbstractEventLoop, methods: list[Callable[[], Any]]) -> object:
    return loop.run_until_complete(methods.pop()())


@pytest.fixture(params=["plain", "guarded", "ordinary guarded", "async plain", "async guarded"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_shop(kind: str, outlets: Outlets) -> Iterator[Callable[..., Shop]]:
    shops: list[Shop] = []

    def open_one(**settings: Any) -> Shop:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = ClientConfig(**({"max_retries": 0, "timeout_total": 5.0} | settings))
        shops.append(Shop(kind, config, outlets))
        return shops[-1]

    yield open_one
    for shop in shops:
        shop.close()


def _nothing_is_found(error: BaseException, outlets: Outlets, kind: str) -> None:
    trackers = TRACKERS if kind in ("guarded", "async guarded") else QUICK
    ways = {name: track(error) for name, track in trackers.items()} | outlets.written()
    assert {name: found_in(text) for name, text in ways.items() if found_in(text)} == {}


def _settings(situation: Situation, server: HostileServer, certificates: Certificates) -> dict[str, Any]:
    place = {
        "server": {"base_url": server.url},
        "name": {"base_url": "https://no-such-host.invalid"},
        "refused": {"base_url": "https://127.0.0.1:1"},
        "no tls": {"base_url": server.url.replace("http:", "https:")},
        "stranger": {"base_url": server.url, "ca_bundle": certificates.stranger_ca_file},
        "proxy": {"base_url": "https://api.test", "proxy": f"http://{PROXY_USER}@127.0.0.1:{server.port}"},
        "dead_proxy": {"base_url": "https://api.test", "proxy": f"http://{PROXY_USER}@127.0.0.1:1"},
    }[situation.place]
    return place | situation.settings


@pytest.mark.parametrize("name", ON_THE_WAY)
def test_a_call_that_fails_on_the_way_tells_no_secret(
    name: str,
    kind: str,
    serve: Serve,
    certificates: Certificates,
    open_shop: Callable[..., Shop],
    provoke: Provoke,
    outlets: Outlets,
) -> None:
    situation = ON_THE_WAY[name]
    turns = {} if situation.turn is None else {"usual": situation.turn}
    server = serve(**turns, tls=certificates.server() if situation.place == "stranger" else None)
    key = LIVE_KEY if name.startswith("the request") else KEYS[len(name) % len(KEYS)]
    shop = open_shop(api_key=key, **_settings(situation, server, certificates))
    error = provoke(shop.call(*situation.call))
    assert isinstance(error, MolamError), error
    _nothing_is_found(error, outlets, kind)


@pytest.mark.parametrize("name", BEFORE_SENDING)
def test_what_is_refused_before_sending_is_not_repeated(
    name: str, kind: str, open_shop: Callable[..., Shop], provoke: Provoke, outlets: Outlets
) -> None:
    error = provoke(open_shop(api_key=LIVE_KEY).call(*BEFORE_SENDING[name].call))
    assert isinstance(error, MolamError), error
    assert error.outcome == "not_sent"
    _nothing_is_found(error, outlets, kind)


@pytest.mark.parametrize("ask", [sealed_vault, lambda: OWN_FIELD, lambda: f"{CALLABLE_KEY}\n", lambda: None])
def test_a_callable_that_gives_no_key_tells_none(
    ask: Any, kind: str, open_shop: Callable[..., Shop], provoke: Provoke, outlets: Outlets
) -> None:
    error = provoke(open_shop(api_key=ask).call("retrieve_payout", ("po_1",), {}))
    assert isinstance(error, MolamError), error
    _nothing_is_found(error, outlets, kind)


def test_a_key_that_a_callable_gives_is_not_told(
    kind: str, serve: Serve, open_shop: Callable[..., Shop], provoke: Provoke, outlets: Outlets
) -> None:
    shop = open_shop(api_key=lambda: CALLABLE_KEY, base_url=serve(usual=ON_THE_WAY["reset"].turn).url)
    error = provoke(shop.call("create_refund", ({"payment_id": "pi_1"},), {}))
    assert isinstance(error, MolamError), error
    _nothing_is_found(error, outlets, kind)


def _fails_with_a_key() -> None:
    key = LIVE_KEY
    raise RuntimeError(f"{len(key)} characters")


@pytest.mark.parametrize("name", [name for name in TRACKERS if name != "queues"])  # which stores no frames
def test_each_way_would_show_a_secret_of_a_frame(name: str, provoke: Provoke) -> None:
    assert found_in(TRACKERS[name](provoke(_fails_with_a_key)))
