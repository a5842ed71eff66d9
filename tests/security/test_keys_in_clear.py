"""A live key goes nowhere in clear or unverified, whichever way it came."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from molam_sdk import ClientConfig, ConfigurationError, MolamSyncClient
from molam_sdk.transports import RequestsTransport
from tests.support.caller import Caller, Kind
from tests.support.http_server import INTENT, Serve, answer

GET = ("retrieve_payment_intent", "pi_1")


@pytest.fixture(params=["sync", "async"])
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    kind: Kind = request.param
    made = Caller(kind)
    yield made
    made.close()


def _own_header(client: Any) -> None:
    client.headers["Authorization"] = "Bearer sk_live_1"


WAYS: dict[str, tuple[Any, Callable[[Any], None]]] = {
    "a callable": (lambda: "sk_live_1", lambda client: None),
    "a callable's token": (lambda: "jwt_1", lambda client: None),
    "a callable's key of no kind": (lambda: "sk_1", lambda client: None),
    "set afterwards as a callable": ("sk_test_1", lambda client: client.set_api_key(lambda: "sk_live_1")),
    "a header field of the merchant's": ("sk_test_1", _own_header),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_but_a_test_key_is_sent_unverified(way: str, caller: Caller, serve: Serve, tls: Any) -> None:
    key, change = WAYS[way]
    server = serve(usual=answer(200, INTENT), tls=tls)
    client = caller.make(server.url, api_key=key, verify_ssl=False)
    change(client)
    with pytest.raises(ConfigurationError, match="verify_ssl=False with a live key") as caught:
        caller.call(*GET)
    assert (caught.value.outcome, server.requests) == ("not_sent", [])


def test_the_ordinary_road_refuses_it_too(serve: Serve, tls: Any) -> None:
    server = serve(usual=answer(200, INTENT), tls=tls)
    config = ClientConfig(api_key=lambda: "sk_live_1", base_url=server.url, verify_ssl=False)
    client = MolamSyncClient(config, transport=RequestsTransport(config, adapter=HTTPAdapter()))
    with client, pytest.raises(ConfigurationError, match="verify_ssl=False with a live key"):
        client.retrieve_payment_intent("pi_1")
    assert server.requests == []


@pytest.mark.parametrize("key", ["sk_live_1", "jwt_1", "sk_1"])
def test_a_live_key_that_is_set_afterwards_is_refused_at_once(key: str, caller: Caller) -> None:
    client = caller.make(api_key="sk_test_1", verify_ssl=False)
    with pytest.raises(ConfigurationError, match="verify_ssl=False with a live key"):
        client.set_api_key(key)


def test_a_test_key_may_go_unverified(caller: Caller, serve: Serve, tls: Any) -> None:
    server = serve(usual=answer(200, INTENT), tls=tls)
    caller.make(server.url, api_key=lambda: "sk_test_1", verify_ssl=False)
    assert caller.call(*GET).id == "pi_1"


def test_a_move_to_clear_text_behind_a_proxy_is_refused_before_it_is_sent(caller: Caller) -> None:
    client = caller.make("https://api.test", proxy="http://proxy.test:3128")
    client.base_url = "http://localhost:1"
    with pytest.raises(ConfigurationError, match="the key would be sent in clear") as caught:
        caller.call(*GET)
    assert caught.value.outcome == "not_sent"
