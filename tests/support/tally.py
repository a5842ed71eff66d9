"""Counting from many threads."""

from __future__ import annotations

import threading
from collections import Counter


class Tally:
    """A counter that loses nothing: ``counter[name] += 1`` reads, then writes, and others count between."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1

    def __getitem__(self, name: str) -> int:
        with self._lock:
            return self._counts[name]

    def counts(self) -> dict[str, int]:
        """Every name that was counted, as of now."""
        with self._lock:
            return dict(self._counts)
