"""The fingerprint of an account: the same for renewed tokens, another for another key, and no way back."""

from __future__ import annotations

import base64
import json

import pytest

from molam_sdk._core.account import account_of


def token(claims: object, signature: str = "s") -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"jwt_e30.{payload}.{signature}"


def of(key: str) -> str | None:
    return account_of({"Authorization": f"Bearer {key}"})


def test_a_fingerprint_is_sixteen_digits_and_holds_nothing_of_the_key() -> None:
    assert of("sk_live_1") == "64dbce9405859305"
    assert of("sk_live_1") != of("sk_live_2")


def test_without_a_key_there_is_no_account() -> None:
    assert account_of({}) is None
    assert account_of({"Authorization": "Bearer "}) is None


def test_a_renewed_token_is_of_the_same_account() -> None:
    old = token({"iss": "molam", "sub": "shop-1", "exp": 1})
    assert of(old) == of(token({"iss": "molam", "sub": "shop-1", "exp": 2}, "t"))
    others = [{"iss": "molam", "sub": "shop-2"}, {"iss": "else", "sub": "shop-1"}, {"sub": "shop-1"}]
    assert len({of(old), *(of(token(claims)) for claims in others)}) == 4


@pytest.mark.parametrize(
    "key",
    ["jwt_", "jwt_a.b", "jwt_a.!.c", "jwt_a.W10.c", "jwt_a.e30.c", "jwt_a.\xff.c", "jwt_a." + "W1tb" * 90_000 + ".c"],
    ids=lambda key: key[:12],
)
def test_a_token_that_cannot_be_read_stands_for_itself(key: str) -> None:
    assert of(key) not in (None, of(key + "x"))


def test_claims_that_a_key_only_looks_like_do_not_count() -> None:
    claims = token({"iss": "molam", "sub": "shop-1"}).removeprefix("jwt_")
    assert of("sk_" + claims) != of("jwt_" + claims)
