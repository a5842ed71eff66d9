"""What is read of a service token, and how long it is good for."""

from __future__ import annotations

import math
import time

import pytest

from molam_sdk._service_token import claims_of, expires_at, token_life
from tests.support.keys import token


def test_the_expiry_of_a_token_is_read() -> None:
    assert expires_at(token(60, issued=1_000)) == 1_060
    assert claims_of(token(60, issued=1_000))["sub"] == "shop-1"


@pytest.mark.parametrize(
    "exp", [None, True, "1060", -1, math.inf, math.nan, 10**400, [1], {}], ids=lambda exp: repr(exp)[:9]
)
def test_an_expiry_that_is_no_time_is_none(exp: object) -> None:
    assert expires_at(token(60, exp=exp)) is None
    assert token_life(token(60, exp=exp)) is None


@pytest.mark.parametrize(
    "key",
    ["sk_live_1", "jwt_", "jwt_a.b", "jwt_a.!.c", "jwt_a.W10.c", "jwt_a.\xff.c", "jwt_a." + "W1tb" * 90_000 + ".c"],
    ids=lambda key: key[:12],
)
def test_of_what_is_no_token_nothing_is_known(key: str) -> None:
    assert (claims_of(key), expires_at(key), token_life(key)) == ({}, None, None)


def test_a_key_that_only_looks_like_a_token_never_expires() -> None:
    assert expires_at(token(-60).removeprefix("jwt_")) is None


@pytest.mark.parametrize(
    ("issued", "life", "renew_in", "left"),
    [
        (0, 3600, 2880, 3600),  # just issued: when four fifths are over
        (-1800, 3600, 1080, 1800),  # half of it is over
        (-3500, 3600, 50, 100),  # late: when half of the rest is over
        (-3599, 3600, 1, 1),  # never sooner than in a second
        (600, 3600, 2880, 3600),  # this clock is behind: its life counts from now on
        (-3660, 3600, 1, 240),  # over by this clock, and perhaps not by Molam's
        (-9999, 3600, 1, 0),
    ],
)
def test_a_token_is_renewed_before_it_ends(issued: float, life: float, renew_in: float, left: float) -> None:
    found = token_life(token(life, issued=time.time() + issued))
    assert found is not None
    assert found.renew_in == pytest.approx(renew_in, abs=2)
    assert found.left == pytest.approx(left, abs=2)


@pytest.mark.parametrize("issued_at", [None, "x", 9e9])
def test_without_a_time_of_issue_what_is_left_counts(issued_at: object) -> None:
    found = token_life(token(100, iat=issued_at, exp=time.time() + 100))
    assert found is not None
    assert (found.renew_in, found.left) == (pytest.approx(80, abs=2), pytest.approx(100, abs=2))
