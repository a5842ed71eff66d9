"""Workers whose clocks differ: leases go by the server's clock, whatever the workers' say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from molam_sdk.store import Claim, Store
from molam_sdk.store.redis import RedisStore
from molam_sdk.store.sql import SqlStore
from tests.support.webhooks.stores import (
    MARIADB_URL,
    POSTGRES_URL,
    redis_client,
    redis_prefix,
    sql_engine,
    sql_table,
)

ONE = Claim("evt_1", "payment.succeeded", "token-a")
OTHER_WORKER = replace(ONE, token="token-b")
SKEW = 60.0
LEASE = 45.0


def _sql(url: str) -> Callable[[], AbstractContextManager[Store]]:
    @contextmanager
    def make() -> Iterator[Store]:
        with sql_engine(url) as engine, sql_table(engine, "molam_test") as table:
            yield SqlStore(engine, table=table)

    return make


@contextmanager
def _redis() -> Iterator[Store]:
    with redis_client() as client, redis_prefix(client) as prefix:
        yield RedisStore(client, prefix=prefix)


MAKERS = {"postgresql": _sql(POSTGRES_URL), "mariadb": _sql(MARIADB_URL), "redis": _redis}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with MAKERS[request.param]() as store:
        yield store


@pytest.mark.parametrize("skew", [SKEW, -SKEW])
def test_a_worker_whose_clock_is_ahead_takes_no_lease_that_holds(store: Store, skew: float) -> None:
    now = time.time()
    assert store.claim(ONE, now, now + LEASE).decision == "run"
    result = store.claim(OTHER_WORKER, now + skew, now + skew + LEASE)
    assert result.decision == "busy"
    assert LEASE - 30 < result.retry_after <= LEASE


@pytest.mark.parametrize("skew", [SKEW, -SKEW])
def test_a_lease_renewed_by_a_skewed_clock_holds_as_long_as_was_meant(store: Store, skew: float) -> None:
    its_now = time.time() + skew
    store.claim(ONE, its_now, its_now + 5)
    assert store.renew(ONE, its_now + 100, ())
    result = store.claim(OTHER_WORKER, time.time(), time.time() + LEASE)
    assert result.decision == "busy"
    assert 70 < result.retry_after <= 101


def test_a_lease_that_was_given_back_by_a_skewed_clock_is_free(store: Store) -> None:
    ahead = time.time() + SKEW
    store.claim(ONE, ahead, ahead + LEASE)
    assert store.renew(ONE, 0.0, ("pay",))
    assert store.claim(OTHER_WORKER, time.time(), time.time() + LEASE).finished == ("pay",)


def test_a_lease_that_has_ended_by_the_servers_clock_is_free(store: Store) -> None:
    behind = time.time() - SKEW
    store.claim(ONE, behind, behind)
    assert store.claim(OTHER_WORKER, behind, behind + LEASE).decision == "run"


@pytest.mark.parametrize("make", [lambda clock: SqlStore("sqlite://", clock=clock)])
def test_a_clock_that_is_none_is_refused(make: Callable[[str], Store]) -> None:
    with pytest.raises(ValueError, match="'server' or 'caller'"):
        make("mine")
