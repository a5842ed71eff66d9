"""The public names of the webhook receiver and of the stores that need no extra."""

from __future__ import annotations

from ._claims import Claim, Grant, Store
from ._delivery import WebhookAnswer
from ._memory import MemoryStore
from ._receiver import WebhookReceiver
from ._sqlite import SqliteStore

__all__ = ["Claim", "Grant", "MemoryStore", "SqliteStore", "Store", "WebhookAnswer", "WebhookReceiver"]
