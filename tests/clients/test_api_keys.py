"""Which API key a call is sent with, when keys are asked for and replaced while calls run."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import AuthenticationError
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.caller import Caller

REFUND = {"id": "re_1", "payment_id": "pi_1", "amount": 1, "currency": "USD", "status": "succeeded"}
OK = reply(200, REFUND)


def _keys(transport: ScriptedTransport) -> list[str]:
    return [request.headers["Authorization"].removeprefix("Bearer sk_live_") for request in transport.requests]


def test_an_old_callable_that_answers_late_does_not_bring_its_key_back(caller: Caller) -> None:
    transport = ScriptedTransport(OK, OK)

    def slow() -> str:
        client.set_api_key("sk_live_new")  # what another thread does meanwhile
        return "sk_live_old"

    client = caller.make(transport=transport, api_key=slow)
    caller.call("retrieve_refund", "re_1")
    caller.call("retrieve_refund", "re_1")
    assert _keys(transport) == ["old", "new"]
    assert client.config.api_key == "sk_live_new"
    assert client.headers["Authorization"] == "Bearer sk_live_new"


def test_an_old_callable_asked_again_after_a_401_does_not_bring_its_key_back(caller: Caller) -> None:
    transport = ScriptedTransport(reply(401), OK, OK)
    answers = iter(["sk_live_old", "sk_live_older"])

    def slow() -> str:
        key = next(answers)
        if key == "sk_live_older":
            client.set_api_key("sk_live_new")
        return key

    client = caller.make(transport=transport, api_key=slow)
    caller.call("retrieve_refund", "re_1")
    caller.call("retrieve_refund", "re_1")
    assert _keys(transport) == ["old", "older", "new"]


def test_a_callable_is_asked_once_and_once_more_after_a_401(caller: Caller) -> None:
    transport = ScriptedTransport(OK, reply(401), OK, OK)
    answers = iter(["sk_live_1", "sk_live_2"])
    caller.make(transport=transport, api_key=lambda: next(answers))
    for _ in range(3):
        caller.call("retrieve_refund", "re_1")
    assert _keys(transport) == ["1", "1", "2", "2"]


def test_a_callable_takes_the_place_of_a_fixed_key(caller: Caller) -> None:
    transport = ScriptedTransport(OK)
    client = caller.make(transport=transport)
    client.set_api_key(lambda: "sk_live_asked")
    assert "Authorization" not in client.headers
    caller.call("retrieve_refund", "re_1")
    assert _keys(transport) == ["asked"]


def test_a_fixed_key_is_not_tried_again_after_a_401(caller: Caller) -> None:
    caller.make(transport=ScriptedTransport(reply(401)))
    with pytest.raises(AuthenticationError):
        caller.call("retrieve_refund", "re_1")


@pytest.mark.parametrize("settings", [{}, {"mtls_cert": __file__}])
def test_a_key_can_be_replaced_though_files_of_the_configuration_are_gone(
    caller: Caller, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = caller.make(transport=ScriptedTransport(), **settings)
    monkeypatch.setattr("pathlib.Path.exists", lambda path: False)
    client.set_api_key("sk_live_2")
    assert client.config.api_key == "sk_live_2"
