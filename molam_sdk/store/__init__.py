"""What the receiver keeps of events: the seam, the rule, and the stores that need no extra.

``molam_sdk.store.sql`` and ``molam_sdk.store.redis`` need one each; ``molam_sdk.contrib.django.store`` is in its app.
"""

from __future__ import annotations

from .claims import Claim, ClaimDecision, ClaimResult, StoredEvent, decide
from .memory import MemoryStore
from .seam import Store
from .sqlite import SqliteStore

__all__ = [
    "Claim",
    "ClaimDecision",
    "ClaimResult",
    "MemoryStore",
    "SqliteStore",
    "Store",
    "StoredEvent",
    "decide",
]
