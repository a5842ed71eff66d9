"""What only the Redis store does: its keys end by themselves."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis

from molam_sdk.store import Claim
from molam_sdk.store.redis import RedisStore
from tests.support.absent import leave_out
from tests.support.webhooks.stores import redis_client, redis_prefix

NOW = 1_800_000_000.0
KEPT_SECONDS = 1_000.0
ONE = Claim("evt_1", "payment.succeeded", "token-a", object_id="pi_1", created=NOW)


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    """A Redis of the test's own, whose settings may be changed."""
    program = shutil.which("redis-server")
    if program is None:
        leave_out("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield port
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < until, "redis-server does not start"


def left_ms(client: Redis, prefix: str) -> dict[str, int]:
    """How long each key has left; -1 for one that stays for ever."""
    keys = sorted(bytes(key).decode() for key in client.scan_iter(f"*{prefix}*"))
    time_left: Callable[[str], int] = client.pttl
    return {key.rpartition("}:")[2]: time_left(key) for key in keys}


def expires(left: int) -> bool:
    return KEPT_SECONDS * 900 < left <= KEPT_SECONDS * 1000


def test_every_key_expires_after_the_retention_and_each_step_but_renewing_begins_it_anew() -> None:
    with redis_client() as client, redis_prefix(client) as prefix:
        store = RedisStore(client, prefix=prefix, retention_seconds=KEPT_SECONDS, clock="caller")
        store.claim(ONE, NOW, NOW + 60)
        claimed = left_ms(client, prefix)
        assert list(claimed) == ["event:evt_1", "occurrence:evt_1", "since", "undone:pi_1"]
        assert all(map(expires, claimed.values()))
        client.pexpire(f"{{{prefix}}}:event:evt_1", 5_000)
        store.renew(ONE, NOW + 60, ())
        assert 0 < left_ms(client, prefix)["event:evt_1"] <= 5_000
        store.done(ONE, NOW)
        done = left_ms(client, prefix)
        assert list(done) == ["event:evt_1", "object:pi_1", "occurrence:evt_1", "since"]
        assert all(map(expires, done.values()))


def test_an_event_taken_over_is_kept_for_the_whole_retention_again() -> None:
    with redis_client() as client, redis_prefix(client) as prefix:
        store = RedisStore(client, prefix=prefix, retention_seconds=KEPT_SECONDS, clock="caller")
        store.claim(ONE, NOW, NOW + 60)
        client.persist(f"{{{prefix}}}:event:evt_1")
        assert store.claim(ONE, NOW + 60, NOW + 120).decision == "run"
        assert expires(left_ms(client, prefix)["event:evt_1"])


def test_the_keys_are_those_that_an_operator_looks_for() -> None:
    with redis_client() as client:
        store = RedisStore(client)
        assert store._keys(ONE) == [
            "{molam_webhooks}:event:evt_1",
            "{molam_webhooks}:object:pi_1",
            "{molam_webhooks}:undone:pi_1",
        ]
        assert store._keys(Claim("evt_2", "payout.paid", "t")) == [
            "{molam_webhooks}:event:evt_2",
            "{molam_webhooks}:object:",
            "{molam_webhooks}:undone:",
        ]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"appendonly": "no", "save": ""}, ["it writes nothing to disk: a restart forgets"]),
        ({"appendonly": "no", "save": "900 1"}, ["it writes to disk now and then: a restart forgets"]),
        ({"appendonly": "yes", "save": ""}, []),
        ({"appendonly": "yes", "maxmemory": "100000000", "maxmemory-policy": "volatile-lru"}, ["it evicts keys"]),
        ({"appendonly": "yes", "maxmemory": "0", "maxmemory-policy": "allkeys-lru"}, []),
        ({"appendonly": "yes", "maxmemory": "100000000", "maxmemory-policy": "noeviction"}, []),
    ],
)
def test_a_server_that_can_forget_is_warned_of_once(
    settings: dict[str, str], said: list[str], caplog: pytest.LogCaptureFixture, redis_port: int
) -> None:
    with closing(Redis(port=redis_port)) as client:
        for name, value in settings.items():
            client.config_set(name, value)
        store = RedisStore(client)
        for _ in range(2):
            store.claim(ONE, NOW, NOW + 60)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * len(said)
    assert all(text in record.getMessage() for text, record in zip(said, caplog.records, strict=True))


def test_a_server_that_does_not_let_us_ask_is_not_asked_twice_nor_warned_of(
    caplog: pytest.LogCaptureFixture, redis_port: int
) -> None:
    with closing(Redis(port=redis_port)) as owner:
        owner.execute_command("ACL", "SETUSER", "shop", "on", ">word", "~*", "+@all", "-config")
        with closing(Redis(port=redis_port, username="shop", password="word")) as client:
            store = RedisStore(client)
            assert store.claim(ONE, NOW, NOW + 60).decision == "run"
            assert store.done(ONE, NOW)
    assert caplog.records == []
