"""The worker of the outbox, as ``client.journal`` offers it."""

from __future__ import annotations

from collections.abc import Callable

from ...journal.entry import Entry
from ..making import OutboxWorker, QueuedOperations
from .calls import JournalledCalls, Way
from .walk import PER_SECOND


class Working:
    """Makes what was enqueued."""

    _calls: JournalledCalls
    _way: Way

    def worker(
        self,
        *,
        threads: int = 4,
        on_end: Callable[[Entry], object] | None = None,
        timeout: float | None = None,
        poll_seconds: float = 1.0,
        recover_per_second: float = PER_SECOND,
    ) -> OutboxWorker:
        """Who makes what was enqueued, so many operations at a time, looking every ``poll_seconds``.

        ``on_end`` is given each entry of the outbox when it is ``done``, ``refused`` (a decline is final) or needs a
        ``review``: in the transaction that marks it told, so that what it writes there and the mark are committed
        together; where it raises it is told again. ``timeout``: the seconds that each may take.
        """
        queued = QueuedOperations(self._calls, self._way, timeout=timeout, on_end=on_end)
        return OutboxWorker(queued, threads=threads, poll_seconds=poll_seconds, recover_per_second=recover_per_second)

    def work(
        self, *, threads: int = 4, on_end: Callable[[Entry], object] | None = None, timeout: float | None = None
    ) -> int:
        """Make what was enqueued until SIGTERM or Ctrl-C, in a process of its own; how many were made and told."""
        return self.worker(threads=threads, on_end=on_end, timeout=timeout).run_until_signal()
