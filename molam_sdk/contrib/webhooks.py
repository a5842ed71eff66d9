"""The receiver under the path it had in 0.1: ``molam_sdk.receiver`` and ``molam_sdk.store`` are its rooms now."""

from __future__ import annotations

from ..receiver import WebhookAnswer, WebhookReceiver
from ..store import Claim, MemoryStore, SqliteStore, Store
from ..store import ClaimResult as Grant

__all__ = ["Claim", "Grant", "MemoryStore", "SqliteStore", "Store", "WebhookAnswer", "WebhookReceiver"]
