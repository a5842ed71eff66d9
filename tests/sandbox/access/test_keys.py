"""Keys: who is let in, and what for."""

from __future__ import annotations

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.access.keys import main_key
from tests.support.sandbox_api import INTENTS, PAYOUTS, REFUNDS, Api, code

GOOD = {"amount": 1, "currency": "USD"}


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "authentication_required"),
        ("Basic abc", "authentication_required"),
        ("Bearer ", "authentication_required"),
        ("Bearer sk_test_unknown", "invalid_api_key"),
        ("Bearer sk_live_abc", "live_key_in_sandbox"),
    ],
)
def test_a_wrong_key_is_401(sandbox: Sandbox, authorization: str | None, reason: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = requests.get(sandbox.url + INTENTS, headers=headers, timeout=5)
    assert code(answer) == (401, reason)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_restricted_key_does_what_its_scopes_open_and_no_more(sandbox: Sandbox) -> None:
    reader = Api(sandbox.url, sandbox.keys.create("payments:read", "refunds:write"))
    assert reader.get(INTENTS).status_code == 200
    assert code(reader.post(INTENTS, GOOD)) == (403, "insufficient_scope")
    assert code(reader.post(REFUNDS, {"payment_id": "pi_x"})) == (404, "resource_missing")
    assert code(reader.get(PAYOUTS)) == (403, "insufficient_scope")
    reader.close()


def test_an_unknown_scope_is_refused_when_the_key_is_made(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="payments:red"):
        sandbox.keys.create("payments:red")


def test_the_key_is_the_same_for_the_same_seed() -> None:
    assert Sandbox(seed=3).api_key == Sandbox(seed=3).api_key == main_key(3) != main_key(4)
    with Sandbox(api_key="sk_test_mine") as sandbox:
        assert (
            requests.get(sandbox.url + INTENTS, headers={"Authorization": "Bearer sk_test_mine"}, timeout=5).status_code
            == 200
        )
