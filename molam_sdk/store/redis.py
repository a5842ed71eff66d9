"""A store in Redis: for workers on several machines, and events by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from redis import Redis

from .claims import Claim, ClaimResult, StoredEvent, decide
from .columns import pack_names, unpack_names

__all__ = ["RedisStore"]

# KEYS: event, object. ARGV: token, now, lease_until, created, whether the object counts, ms to keep.
# The reading of the rule stays in Python: the script repeats only what must be atomic, taking what is free.
_CLAIM: Final = """
local held = redis.call('HMGET', KEYS[1], 'done', 'until', 'finished')
local newest = ARGV[5] == '1' and redis.call('GET', KEYS[2]) or false
local free = not held[1] or (held[1] == '0' and tonumber(held[2]) <= tonumber(ARGV[2]))
if free and not (newest and tonumber(ARGV[4]) < tonumber(newest)) then
  redis.call('HSET', KEYS[1], 'done', '0', 'token', ARGV[1], 'until', ARGV[3], 'finished', held[3] or '')
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
return {held[1], held[2], held[3], newest}
"""
# KEYS: event. ARGV: token, lease_until, finished.
_RENEW: Final = """
local held = redis.call('HMGET', KEYS[1], 'done', 'token')
if held[1] ~= '0' or held[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', ARGV[2], 'finished', ARGV[3])
return 1
"""
# KEYS: event, object. ARGV: token, created, whether the object counts, ms to keep.
_DONE: Final = """
local held = redis.call('HMGET', KEYS[1], 'done', 'token')
if held[1] ~= '0' or held[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'done', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if ARGV[3] == '1' then
  local newest = redis.call('GET', KEYS[2])
  if not newest or tonumber(newest) < tonumber(ARGV[2]) then
    redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
  end
end
return 1
"""


class RedisStore:
    """Claims in Redis (5 or newer, also a cluster: all keys share one slot).

    Redis cannot share a transaction with a handler's database: a worker killed after the handler's commit and
    before its mark runs that handler again. Let the handler write under a unique key (the event's or order's id).
    Keys expire by themselves after ``retention_seconds``. Use a Redis that does not evict keys.
    """

    transactional = False

    def __init__(
        self, client: Redis, *, prefix: str = "molam_webhooks", retention_seconds: float = 30 * 86_400.0
    ) -> None:
        # The braces keep all keys in one slot of a cluster, which a script on two keys needs.
        self._prefix = f"{{{prefix}}}"
        self._keep_ms = int(retention_seconds * 1000)
        self._claim: Any = client.register_script(_CLAIM)
        self._renew: Any = client.register_script(_RENEW)
        self._done: Any = client.register_script(_DONE)

    def claim(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        # repr: the shortest text from which Lua reads the very same number.
        arguments = [claim.token, repr(now), repr(lease_until), repr(claim.created), *self._object_arguments(claim)]
        done, until, finished, newest = self._claim(keys=self._keys(claim), args=arguments)
        stored = None if done is None else StoredEvent(int(done) == 1, float(until), unpack_names(_text(finished)))
        return decide(claim, stored, None if newest is None else float(newest), now)

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        arguments = [claim.token, repr(lease_until), pack_names(finished)]
        return bool(self._renew(keys=self._keys(claim)[:1], args=arguments))

    def done(self, claim: Claim, now: float) -> bool:
        arguments = [claim.token, repr(claim.created), *self._object_arguments(claim)]
        return bool(self._done(keys=self._keys(claim), args=arguments))

    def prune(self, before: float) -> int:
        """Nothing to do: keys expire by themselves."""
        return 0

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _keys(self, claim: Claim) -> list[str]:
        return [f"{self._prefix}:event:{claim.event_id}", f"{self._prefix}:object:{claim.object_id or ''}"]

    def _object_arguments(self, claim: Claim) -> list[str | int]:
        return ["0" if claim.object_id is None else "1", self._keep_ms]


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
