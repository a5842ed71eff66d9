"""The rate limit: so many at once, so many a second, per key, by the sandbox's clock."""

from __future__ import annotations

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.access.keys import ApiKey
from molam_sdk.sandbox.access.rate import RateLimit
from molam_sdk.sandbox.domain.clock import SandboxClock
from molam_sdk.sandbox.domain.refusal import RefusalError
from tests.support.sandbox_api import INTENTS, Api, code


class StandingClock(SandboxClock):
    """A clock that moves only when it is told to."""

    def now(self) -> float:
        return self.offset


def taken(rate: RateLimit, times: int, key: str = "key_1") -> list[int]:
    """What each of some requests in a row is answered: 200, or the seconds to wait."""
    answers = []
    for _ in range(times):
        try:
            rate.take(ApiKey(key, "", None))
            answers.append(200)
        except RefusalError as refusal:
            answers.append(int(refusal.headers["Retry-After"]))
    return answers


@pytest.mark.parametrize(
    ("rate", "seconds", "first", "then"),
    [
        (2, 1, [200, 200, 1, 1], [200, 200, 1]),
        (2, 0.5, [200, 200, 1, 1], [200, 1, 1]),
        (2, 60, [200, 200, 1, 1], [200, 200, 1]),
        (0.1, 10, [200, 10, 10, 10], [200, 10, 10]),
        (0.1, 9.5, [200, 10, 10, 10], [1, 1, 1]),
    ],
)
def test_a_bucket_holds_one_second_and_fills_by_the_clock(
    rate: float, seconds: float, first: list[int], then: list[int]
) -> None:
    clock = StandingClock()
    limit = RateLimit(rate, clock)
    assert taken(limit, 4) == first
    clock.advance(seconds=seconds)
    assert taken(limit, 3) == then


def test_no_rate_is_no_limit() -> None:
    assert taken(RateLimit(None, StandingClock()), 1000) == [200] * 1000


def test_answers_tell_what_is_left_of_the_rate() -> None:
    with Sandbox(rate=0.001) as sandbox:
        unlimited, own = sandbox.keys.create(rate=1000), sandbox.keys.create(rate=0.002)
        told = []
        for key in (sandbox.api_key, sandbox.api_key, own, unlimited):
            headers = requests.get(sandbox.url + INTENTS, headers={"Authorization": f"Bearer {key}"}, timeout=5).headers
            told.append([headers.get(f"RateLimit-{name}") for name in ("Limit", "Remaining", "Reset")])
    assert [row[:2] for row in told[:3]] == [["1", "0"]] * 3
    assert all(0 < int(row[2]) <= seconds for row, seconds in zip(told, (1000, 1000, 500), strict=False))
    assert told[3][0] == "1000"


def test_the_rate_is_per_key_and_says_when_to_come_again() -> None:
    # A token every 1,000 s: however slow this machine is, none comes by itself.
    with Sandbox(rate=0.001) as sandbox:
        api, other = (Api(sandbox.url, key) for key in (sandbox.api_key, sandbox.keys.create()))
        assert [api.get(INTENTS).status_code for _ in range(2)] == [200, 429]
        refused = api.get(INTENTS)
        assert code(refused) == (429, "rate_limited")
        assert 900 <= int(refused.headers["Retry-After"]) <= 1000
        assert other.get(INTENTS).status_code == 200
        sandbox.clock.advance(seconds=1000)
        assert [api.get(INTENTS).status_code for _ in range(2)] == [200, 429]
        api.close()
        other.close()
