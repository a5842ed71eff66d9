"""What is told of sources: how old their answers are, how often they failed, how long a key is still good for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final, Protocol
from weakref import WeakSet

from .._quiet_log import log
from .._tally import ProcessTally


class Aged(Protocol):
    """What keeps an answer of a source."""

    label: str

    def age(self) -> float | None:
        """Seconds since its last good answer; None before the first, and where there is no such secret."""


class Expiring(Protocol):
    """What holds an API key."""

    def seconds_left(self) -> float | None:
        """Until the key expires; None where that is not known."""


class SourceTally(ProcessTally):
    """Changes when a source has answered or failed. There are few labels: one of each
    configured source."""

    def __init__(self) -> None:
        super().__init__()
        self._failures: dict[str, int] = {}
        self._refused_files = 0
        self._kept: WeakSet[Aged] = WeakSet()
        self._keys: WeakSet[Expiring] = WeakSet()

    def watch(self, kept: Aged) -> None:
        """Tell of it for as long as it lives; its failures are counted from 0."""
        self._failures.setdefault(kept.label, 0)
        self._kept.add(kept)

    def watch_key(self, key: Expiring) -> None:
        """The same for an API key that may expire."""
        self._keys.add(key)

    def count_failure(self, label: str) -> None:
        """A source failed once more."""
        with self._lock:
            self._failures[label] = self._failures.get(label, 0) + 1
        self.changed()

    def count_refused_files(self) -> None:
        """Certificates, keys or a CA bundle that had changed could not be loaded."""
        with self._lock:
            self._refused_files += 1
        self.changed()

    def failures(self) -> dict[str, int]:
        """How often each source failed."""
        return dict(self._failures)

    def refused_files(self) -> int:
        """How often changed certificates could not be loaded."""
        return self._refused_files

    def ages(self) -> dict[str, float]:
        """Seconds since the last good answer of each source; of several kids the oldest."""
        ages: dict[str, float] = {}
        for kept in list(self._kept):
            age = kept.age()
            if age is not None:
                ages[kept.label] = max(age, ages.get(kept.label, 0.0))
        return ages

    def seconds_left(self) -> float | None:
        """Until the first of the API keys in use expires."""
        return min(self._known_ends(), default=None)

    def _known_ends(self) -> Iterator[float]:
        for key in list(self._keys):
            left = key.seconds_left()
            if left is not None:
                yield left


TALLY: Final = SourceTally()


def log_failure(label: str, problem: BaseException) -> None:
    """A source that answered until now has failed. Its words may hold what they must not: only their kind is told."""
    log(logging.WARNING, "a secret source failed", facts={"source": label, "error": type(problem).__name__})


def log_recovery(label: str) -> None:
    """It answers again."""
    log(logging.INFO, "a secret source answers again", facts={"source": label})
