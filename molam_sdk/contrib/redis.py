"""``RedisStore`` under the path it had in 0.1; it stands in ``molam_sdk.store.redis``."""

from __future__ import annotations

from ..store.redis import RedisStore

__all__ = ["RedisStore"]
