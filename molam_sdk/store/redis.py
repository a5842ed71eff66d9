"""A store in Redis: for workers on several machines, and events by the thousand."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from inspect import iscoroutinefunction
from typing import Any, Final, get_args

from redis import Redis

from .claims import PATIENCE_SECONDS, Claim, ClaimResult, Clock, SameObject, StoredEvent, claim_as_held, decide
from .columns import pack_names, unpack_names
from .redis_durability import durability_of, losses

__all__ = ["RedisStore"]

# Unix seconds by the server, unless the caller's clock counts; and how far it is ahead of the caller's.
_NOW: Final = """
local function now_of(by_server, callers)
  if by_server ~= '1' then return tonumber(callers) end
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local function exact(number) return string.format('%.17g', number) end
"""
# An object's events that are not done: of each its created, when it was first seen, and the end of its lease.
_UNDONE: Final = """
local function parts(text) return string.match(text, '^(%S+) (%S+) (%S+)$') end
local function keep_undone(key, id, created, seen, lease_until, ms)
  redis.call('HSET', key, id, created .. ' ' .. seen .. ' ' .. lease_until)
  redis.call('PEXPIRE', key, ms)
end
"""
# KEYS: event, object, its events that are not done, occurrence, since when all is remembered. ARGV: by_server, now,
# token, lease, created, whether the object counts, ms to keep, id, patience.
# The reading of the rule stays in Python: the script repeats only what must be atomic, taking what is free.
_CLAIM: Final = f"""{_NOW}{_UNDONE}
local now = now_of(ARGV[1], ARGV[2])
local held = redis.call('HMGET', KEYS[1], 'done', 'until', 'finished')
local held_under = redis.call('GET', KEYS[4])
if not held[1] and held_under and held_under ~= ARGV[8] then return {{held_under}} end
local newest, leased, waiting, seen = false, false, false, false
if ARGV[6] == '1' then
  newest = redis.call('GET', KEYS[2])
  local undone = redis.call('HGETALL', KEYS[3])
  for i = 1, #undone, 2 do
    local created, first, lease_until = parts(undone[i + 1])
    if undone[i] == ARGV[8] then
      seen = first
    else
      if not leased or tonumber(lease_until) > tonumber(leased) then leased = lease_until end
      local older = tonumber(created) < tonumber(ARGV[5])
      if older and (not waiting or tonumber(first) < tonumber(waiting)) then waiting = first end
    end
  end
end
local free = not held[1] or (held[1] == '0' and tonumber(held[2]) <= now)
free = free and not (leased and tonumber(leased) > now)
free = free and not (waiting and now - tonumber(waiting) < tonumber(ARGV[9]))
if free then
  local lease_until = exact(now + tonumber(ARGV[4]))
  redis.call('HSET', KEYS[1], 'done', '0', 'token', ARGV[3], 'until', lease_until,
             'finished', held[3] or '', 'ahead', exact(now - tonumber(ARGV[2])))
  redis.call('PEXPIRE', KEYS[1], ARGV[7])
  redis.call('SET', KEYS[5], exact(now), 'NX')
  redis.call('PEXPIRE', KEYS[5], ARGV[7])
  if not held_under then redis.call('SET', KEYS[4], ARGV[8], 'PX', ARGV[7]) end
  if ARGV[6] == '1' then keep_undone(KEYS[3], ARGV[8], ARGV[5], seen or exact(now), lease_until, ARGV[7]) end
end
return {{held[1], held[2], held[3], newest, exact(now), leased, waiting}}
"""
# KEYS: event, its object's events that are not done. ARGV: token, lease_until by the caller's clock (0 gives it back),
# finished, id, ms to keep.
_RENEW: Final = f"""{_UNDONE}
local held = redis.call('HMGET', KEYS[1], 'done', 'token', 'ahead')
if held[1] ~= '0' or held[2] ~= ARGV[1] then return 0 end
local lease_until = tonumber(ARGV[2])
if lease_until ~= 0 then lease_until = lease_until + tonumber(held[3] or '0') end
lease_until = string.format('%.17g', lease_until)
redis.call('HSET', KEYS[1], 'until', lease_until, 'finished', ARGV[3])
local kept = redis.call('HGET', KEYS[2], ARGV[4])
if kept then
  local created, seen = parts(kept)
  keep_undone(KEYS[2], ARGV[4], created, seen, lease_until, ARGV[5])
end
return 1
"""
# KEYS: event, object, its events that are not done. ARGV: token, created, whether the object counts, ms to keep, id.
_DONE: Final = """
local held = redis.call('HMGET', KEYS[1], 'done', 'token')
if held[1] ~= '0' or held[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'done', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if ARGV[3] == '1' then
  redis.call('HDEL', KEYS[3], ARGV[5])
  local newest = redis.call('GET', KEYS[2])
  if not newest or tonumber(newest) < tonumber(ARGV[2]) then
    redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
  end
end
return 1
"""

_logger: Final = logging.getLogger("molam_sdk.webhooks")


class RedisStore:
    """Claims in Redis (5 or newer, also a cluster: all keys share one slot). Leases go by the server's clock.

    Redis cannot share a transaction with a handler's database: a worker killed after the handler's commit and
    before its mark runs that handler again. Let the handler write under a unique key (the event's or order's id).
    Keys expire by themselves after ``retention_seconds``. The server must write to disk (``appendonly yes``) and not
    evict keys (``maxmemory-policy noeviction``), or it forgets what was handled: where it says that it is set
    otherwise, the first claim logs a warning. ``clock="caller"`` is for tests that hold the receiver's clock.
    """

    transactional = False

    def __init__(
        self,
        client: Redis,
        *,
        prefix: str = "molam_webhooks",
        retention_seconds: float = 30 * 86_400.0,
        clock: Clock = "server",
    ) -> None:
        if clock not in get_args(Clock):
            raise ValueError(f"clock is {clock!r}: it must be 'server' or 'caller'")
        if iscoroutinefunction(client.execute_command):
            raise TypeError(
                "this is a client of redis.asyncio: give it to AsyncRedisStore (molam_sdk.store.async_redis)"
            )
        # The braces keep all keys in one slot of a cluster, which a script on two keys needs.
        self._prefix = f"{{{prefix}}}"
        self._since = f"{self._prefix}:since"
        self._keep_ms = int(retention_seconds * 1000)
        self._by_server = "1" if clock == "server" else "0"
        self._client = client
        self._looked_at_settings = False
        self._claim: Any = client.register_script(_CLAIM)
        self._renew: Any = client.register_script(_RENEW)
        self._done: Any = client.register_script(_DONE)

    def claim(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        self._warn_of_losses_once()
        # repr: the shortest text from which Lua reads the very same number.
        lease = [self._by_server, repr(now), claim.token, repr(lease_until - now), repr(claim.created)]
        rest = [*self._object_arguments(claim), claim.event_id, repr(PATIENCE_SECONDS)]
        occurrence = f"{self._prefix}:occurrence:{claim.occurrence or claim.event_id}"
        answer = self._claim(keys=[*self._keys(claim), occurrence, self._since], args=[*lease, *rest])
        if len(answer) == 1:
            known = claim_as_held(claim, _text(answer[0]))
            result = self.claim(known, now, lease_until)
            return replace(result, event_id=known.event_id)
        done, until, finished, newest, now_there, leased, waiting = answer
        stored = None if done is None else StoredEvent(int(done) == 1, float(until), unpack_names(_text(finished)))
        others = SameObject(_number(newest), _number(leased), _number(waiting))
        return decide(claim, stored, others, float(now_there))

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        arguments = [claim.token, repr(lease_until), pack_names(finished), claim.event_id, self._keep_ms]
        event, _, undone = self._keys(claim)
        return bool(self._renew(keys=[event, undone], args=arguments))

    def done(self, claim: Claim, now: float) -> bool:
        arguments = [claim.token, repr(claim.created), *self._object_arguments(claim), claim.event_id]
        return bool(self._done(keys=self._keys(claim), args=arguments))

    def prune(self, before: float) -> int:
        """Nothing to do: keys expire by themselves."""
        return 0

    def remembers_since(self) -> float | None:
        """As of the stores in a database: since the first event of this version, or the retention."""
        since: Any = self._client.get(self._since)
        seconds, _ = _pair(self._client.time())
        return None if since is None else max(float(since), seconds - self._keep_ms / 1000)

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _warn_of_losses_once(self) -> None:
        if self._looked_at_settings:
            return
        settings = durability_of(self._client)
        self._looked_at_settings = True
        for loss in losses(settings):
            _logger.warning("this Redis can forget webhook events: %s", loss)

    def _keys(self, claim: Claim) -> list[str]:
        about = claim.object_id or ""
        parts = (f"event:{claim.event_id}", f"object:{about}", f"undone:{about}")
        return [f"{self._prefix}:{part}" for part in parts]

    def _object_arguments(self, claim: Claim) -> list[str | int]:
        return ["0" if claim.object_id is None else "1", self._keep_ms]


def _pair(time: Any) -> tuple[int, int]:
    return time  # type: ignore[no-any-return]  # seconds and microseconds, as Redis says TIME


def _number(value: bytes | str | None) -> float | None:
    return None if value is None else float(value)


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
