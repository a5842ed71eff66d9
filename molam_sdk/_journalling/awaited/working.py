"""What the asyncio journal lacks: a worker is a process of its own, made of threads, with a blocking client."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from ...exceptions import ConfigurationError

_WORK_ELSEWHERE: Final = (
    "an asyncio client enqueues, and does not work: run `molam journal work`, or client.journal.work() of a "
    "MolamSyncClient on the same database, in a process of its own"
)


class Working:
    """Says so: enqueue here, and work with a ``MolamSyncClient``."""

    def worker(self, **_options: Any) -> NoReturn:
        """``ConfigurationError``, which says where to work."""
        raise ConfigurationError(_WORK_ELSEWHERE)

    def work(self, **_options: Any) -> NoReturn:
        """``ConfigurationError``, which says where to work."""
        raise ConfigurationError(_WORK_ELSEWHERE)
