"""A store in Redis for event loops, through redis.asyncio."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from .._greenlets import wait_for
from .async_store import AsyncStore
from .claims import Clock
from .redis import RedisStore

__all__ = ["AsyncRedisStore"]


class AsyncRedisStore(AsyncStore):
    """``RedisStore`` over a client of redis.asyncio, which belongs to one event loop: the same keys, scripts, server's
    clock and warnings, so that workers of both kinds share the events.

    Redis has no transaction to share with a handler's database: let the handler write under a unique key.
    """

    def __init__(
        self,
        client: AsyncRedis,
        *,
        prefix: str = "molam_webhooks",
        retention_seconds: float = 30 * 86_400.0,
        clock: Clock = "server",
    ) -> None:
        if not iscoroutinefunction(client.execute_command):
            raise TypeError("a client of Redis that blocks is for RedisStore (molam_sdk.store.redis)")
        in_steps = cast("Redis", _ClientInSteps(client))
        super().__init__(RedisStore(in_steps, prefix=prefix, retention_seconds=retention_seconds, clock=clock))


class _ClientInSteps:
    """The client as steps of an event loop see it: what it answers is waited for."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client

    def register_script(self, script: str) -> Callable[..., Any]:
        """A script of the server's."""
        registered = self._client.register_script(script)

        def run(**given: Any) -> Any:
            return wait_for(registered(**given))

        return run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        command = getattr(self._client, name)
        return lambda *args, **options: wait_for(command(*args, **options))
