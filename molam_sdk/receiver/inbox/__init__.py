"""Deliveries that are answered at once and worked on later: what is stored, who works on it, and what is told."""

from __future__ import annotations

from .async_worker import AsyncInboxWorker
from .attempts import MAX_ATTEMPTS
from .metrics import inbox_metrics_for
from .reception import keep, with_inbox
from .worker import InboxWorker
from .workers import InboxWorkers

__all__ = [
    "MAX_ATTEMPTS",
    "AsyncInboxWorker",
    "InboxWorker",
    "InboxWorkers",
    "inbox_metrics_for",
    "keep",
    "with_inbox",
]
