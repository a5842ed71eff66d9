"""``client.client`` is the client without its guard: what is set on either, whenever, counts for both."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import ClientClosedError, ConfigurationError, MolamClient, PlainAsyncClient
from molam_sdk.testing import NoReply, ScriptedTransport, reply
from molam_sdk.types import Failure
from tests.support.caller import Caller

REFUND = {"id": "re_1", "payment_id": "pi_1", "amount": 1, "currency": "USD", "status": "succeeded"}


@pytest.fixture
def transport() -> ScriptedTransport:
    return ScriptedTransport(*[reply(200, REFUND)] * 4)


@pytest.fixture
def pair(caller: Caller, transport: ScriptedTransport) -> tuple[Any, Any]:
    """A guarded client, and a view of it that was taken before anything changed."""
    client = caller.make(transport=transport)
    return client, client.client


def _ask(caller: Caller, client: Any) -> Any:
    return caller.wait(client.retrieve_refund("re_1"))


@pytest.mark.parametrize("setter", [0, 1], ids=["on the client", "on the view"])
def test_a_region_and_a_key_set_on_either_count_for_both(
    caller: Caller, transport: ScriptedTransport, pair: tuple[Any, Any], setter: int
) -> None:
    pair[setter].set_region("eu-west")
    pair[setter].set_api_key("sk_live_new")
    for client in pair:
        _ask(caller, client)
        assert (client.base_url, client.config.api_key) == ("https://api-eu-west.molam.io", "sk_live_new")
    assert {request.url.partition("/v1")[0] for request in transport.requests} == {"https://api-eu-west.molam.io"}
    assert {request.headers["Authorization"] for request in transport.requests} == {"Bearer sk_live_new"}


@pytest.mark.parametrize("setter", [0, 1], ids=["on the client", "on the view"])
def test_a_base_url_assigned_on_either_counts_for_both(
    caller: Caller, transport: ScriptedTransport, pair: tuple[Any, Any], setter: int
) -> None:
    pair[setter].base_url = "https://other.example/"
    for client in pair:
        _ask(caller, client)
        assert client.base_url == client.config.url == "https://other.example"
    assert {request.url for request in transport.requests} == {"https://other.example/v1/connect/refunds/re_1"}


@pytest.mark.parametrize("url", ["http://evil.example", "https://user:pw@x", "", 7])
def test_a_base_url_that_is_none_is_refused_when_it_is_assigned(caller: Caller, url: Any) -> None:
    client = caller.make(transport=ScriptedTransport())
    with pytest.raises(ConfigurationError):
        client.base_url = url
    assert client.base_url == client.config.url == "https://api.test"


def test_a_header_added_on_the_view_goes_along_with_the_client(
    caller: Caller, transport: ScriptedTransport, pair: tuple[Any, Any]
) -> None:
    pair[1].headers["X-Shop"] = "7"
    _ask(caller, pair[0])
    assert transport.requests[0].headers["X-Shop"] == "7"


@pytest.mark.parametrize("closer", [0, 1], ids=["the client", "the view"])
def test_closing_either_closes_both(
    caller: Caller, transport: ScriptedTransport, pair: tuple[Any, Any], closer: int
) -> None:
    caller.wait(pair[closer].close())
    assert transport.closed
    for client in pair:
        with pytest.raises(ClientClosedError):
            _ask(caller, client)


def test_both_draw_on_one_retry_budget(caller: Caller) -> None:
    refused = NoReply(Failure.CONNECT, "refused")
    transport = ScriptedTransport(*[refused] * 4)
    client = caller.make(transport=transport, retry_budget=5, max_retries=1, retry_backoff_factor=0)
    for one in (client, client.client):
        with pytest.raises(Exception, match="refused"):
            _ask(caller, one)
    assert len(transport.requests) == 3  # the only retry was the client's


def test_a_view_has_no_guard_and_is_a_plain_client(caller: Caller, pair: tuple[Any, Any]) -> None:
    assert type(pair[1]) is (MolamClient if caller.kind == "sync" else PlainAsyncClient)
    assert not hasattr(pair[1], "cb")


def test_a_live_key_without_verification_is_refused_later_too(caller: Caller) -> None:
    client = caller.make(transport=ScriptedTransport(), verify_ssl=False)
    with pytest.raises(ConfigurationError, match="verify_ssl=False with a live key"):
        client.set_api_key("sk_live_1")
    assert client.config.api_key == "sk_test_caller"
