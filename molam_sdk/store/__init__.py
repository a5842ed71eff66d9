"""What the receiver keeps of events: the seam, the rule, and the stores that need no extra.

``molam_sdk.store.sql`` and ``async_sql``, ``redis`` and ``async_redis`` need one each; those for Django are in its app.
"""

from __future__ import annotations

from .async_store import AsyncStore
from .claims import Claim, ClaimDecision, ClaimResult, StoredEvent, decide
from .memory import MemoryStore
from .seam import Store
from .sqlite import SqliteStore

__all__ = [
    "AsyncStore",
    "Claim",
    "ClaimDecision",
    "ClaimResult",
    "MemoryStore",
    "SqliteStore",
    "Store",
    "StoredEvent",
    "decide",
]
