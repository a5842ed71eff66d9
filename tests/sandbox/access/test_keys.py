"""Keys: who is let in, and what for."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.access.keys import key_of
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
    answer = requests.get(sandbox.url + INTENTS, headers=headers, timeout=30)
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


def test_a_key_ends_by_the_clock_or_when_it_is_revoked(sandbox: Sandbox) -> None:
    short, revoked = sandbox.keys.create(expires_in=60), sandbox.keys.create()
    by_key = {key: Api(sandbox.url, key) for key in (short, revoked)}
    assert [api.get(INTENTS).status_code for api in by_key.values()] == [200, 200]
    sandbox.keys.revoke(sandbox.keys.list()[-1]["id"])
    sandbox.clock.advance(seconds=61)
    assert [code(api.get(INTENTS)) for api in by_key.values()] == [(401, "expired_api_key"), (401, "revoked_api_key")]
    assert [key["status"] for key in sandbox.keys.list()] == ["active", "expired", "revoked"]
    assert short not in str(sandbox.keys.list())
    for api in by_key.values():
        api.close()


def test_the_main_key_stays_and_others_are_known(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="main key"):
        sandbox.keys.revoke(sandbox.keys.list()[0]["id"])
    with pytest.raises(KeyError):
        sandbox.keys.revoke("key_nope")


@pytest.mark.parametrize("wrong", [{"expires_in": 0}, {"rate": -1}, {"expires_in": True}, {"account": ""}])
def test_a_key_with_a_wrong_part_is_refused(sandbox: Sandbox, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        sandbox.keys.create(**wrong)


def test_without_a_seed_nobody_can_guess_the_key() -> None:
    assert len({Sandbox().api_key for _ in range(3)}) == 3


def test_the_key_is_the_same_for_the_same_seed() -> None:
    assert Sandbox(seed=3).api_key == Sandbox(seed=3).api_key == key_of(3) != key_of(4)
    with Sandbox(api_key="sk_test_mine") as sandbox:
        assert (
            requests.get(
                sandbox.url + INTENTS, headers={"Authorization": "Bearer sk_test_mine"}, timeout=30
            ).status_code
            == 200
        )
