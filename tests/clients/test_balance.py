"""The money at hand, as both clients read it."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import responses

from molam_sdk import ClientConfig, MolamClient, ResponseError
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.caller import Caller

BALANCE = b"""{"data": [{"currency": "USD", "available": 1000.10, "pending": -0.30, "new": true},
                        {"currency": "XOF", "available": 5000, "pending": 0}]}"""


def test_the_money_at_hand_is_exact_and_stands_by_currency(caller: Caller) -> None:
    transport = ScriptedTransport(reply(200, BALANCE, {"X-Molam-Request-Id": "req_1"}))
    caller.make(transport=transport)
    balance = caller.call("retrieve_balance")
    assert [(one.currency, one.available, one.pending) for one in balance.data] == [
        ("USD", Decimal("1000.10"), Decimal("-0.30")),
        ("XOF", Decimal(5000), Decimal(0)),
    ]
    assert (balance.request_id, balance.idempotency_key) == ("req_1", None)
    assert transport.requests[0].url == "https://api.test/v1/connect/balance"
    assert json.loads(balance.model_dump_json())["data"][0]["new"] is True


def test_one_currency_may_be_asked_for(caller: Caller) -> None:
    transport = ScriptedTransport(reply(200, {"data": []}))
    caller.make(transport=transport)
    assert caller.call("retrieve_balance", currency="xof", timeout=2).data == []
    assert transport.requests[0].url.endswith("/v1/connect/balance?currency=XOF")
    assert transport.requests[0].deadline == 1002.0


@pytest.mark.parametrize("body", [{}, {"data": [{"currency": "USD"}]}, {"data": [{"available": "x"}]}])
def test_an_answer_that_is_no_balance_is_said_to_be_none(caller: Caller, body: object) -> None:
    caller.make(transport=ScriptedTransport(reply(200, body)))
    with pytest.raises(ResponseError, match=r"data"):
        caller.call("retrieve_balance")


@responses.activate
def test_a_merchant_mocks_it_with_responses() -> None:
    responses.get("https://api.molam.io/v1/connect/balance", body=BALANCE)
    with MolamClient(ClientConfig(api_key="sk_live_1")) as client:
        assert client.retrieve_balance().data[1].available == 5000
