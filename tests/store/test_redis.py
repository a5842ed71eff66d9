"""What only the Redis store does: its keys end by themselves."""

from __future__ import annotations

from collections.abc import Callable

from redis import Redis

from molam_sdk.store import Claim
from molam_sdk.store.redis import RedisStore
from tests.support.webhooks.stores import redis_client, redis_prefix

NOW = 1_800_000_000.0
KEPT_SECONDS = 1_000.0
ONE = Claim("evt_1", "payment.succeeded", "token-a", object_id="pi_1", created=NOW)


def left_ms(client: Redis, prefix: str) -> dict[str, int]:
    """How long each key has left; -1 for one that stays for ever."""
    keys = sorted(bytes(key).decode() for key in client.scan_iter(f"*{prefix}*"))
    time_left: Callable[[str], int] = client.pttl
    return {key.rpartition("}:")[2]: time_left(key) for key in keys}


def expires(left: int) -> bool:
    return KEPT_SECONDS * 900 < left <= KEPT_SECONDS * 1000


def test_every_key_expires_after_the_retention_and_each_step_but_renewing_begins_it_anew() -> None:
    with redis_client() as client, redis_prefix(client) as prefix:
        store = RedisStore(client, prefix=prefix, retention_seconds=KEPT_SECONDS)
        store.claim(ONE, NOW, NOW + 60)
        claimed = left_ms(client, prefix)
        assert list(claimed) == ["event:evt_1"]
        assert all(map(expires, claimed.values()))
        client.pexpire(f"{{{prefix}}}:event:evt_1", 5_000)
        store.renew(ONE, NOW + 60, ())
        assert 0 < left_ms(client, prefix)["event:evt_1"] <= 5_000
        store.done(ONE, NOW)
        done = left_ms(client, prefix)
        assert list(done) == ["event:evt_1", "object:pi_1"]
        assert all(map(expires, done.values()))


def test_an_event_taken_over_is_kept_for_the_whole_retention_again() -> None:
    with redis_client() as client, redis_prefix(client) as prefix:
        store = RedisStore(client, prefix=prefix, retention_seconds=KEPT_SECONDS)
        store.claim(ONE, NOW, NOW + 60)
        client.persist(f"{{{prefix}}}:event:evt_1")
        assert store.claim(ONE, NOW + 60, NOW + 120).decision == "run"
        assert expires(left_ms(client, prefix)["event:evt_1"])


def test_the_keys_are_those_that_an_operator_looks_for() -> None:
    with redis_client() as client:
        store = RedisStore(client)
        assert store._keys(ONE) == ["{molam_webhooks}:event:evt_1", "{molam_webhooks}:object:pi_1"]
        assert store._keys(Claim("evt_2", "payout.paid", "t")) == [
            "{molam_webhooks}:event:evt_2",
            "{molam_webhooks}:object:",
        ]
