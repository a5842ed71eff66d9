"""What the asyncio journal lacks: a worker is a process of its own, made of threads, with a blocking client."""

from __future__ import annotations


class Working:
    """A base without methods: enqueue here, and work with a ``MolamSyncClient``."""
