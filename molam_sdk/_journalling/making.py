"""The worker of the outbox: makes what was enqueued, tells how it ended, and recovers what is in doubt."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .._base_client import seconds_of
from .._interruption import raised_from_outside
from .._quiet_log import log
from .._worker import Chore, Worker
from ..exceptions import CircuitOpenError, ClientClosedError, MolamError, RequestValidationError
from ..journal.entry import CLOSED, Entry
from .blocking.calls import account_here
from .blocking.recovery import Recovery
from .opening import outbox_of

if TYPE_CHECKING:
    from .blocking.calls import JournalledCalls, Way

_LEASE_MARGIN: Final = 5.0
_TELLING_SECONDS: Final = 300.0
_RECOVER_EVERY: Final = 15.0
_SECONDS_TO_RECOVER: Final = 60.0


class _TakenOverError(Exception):
    """Another worker has the entry by now: what was written of its end is undone."""


class QueuedOperations:
    """Makes what was enqueued, one at a time in each thread."""

    def __init__(
        self, calls: JournalledCalls, way: Way, *, timeout: float | None, on_end: Callable[[Entry], object] | None
    ) -> None:
        self._calls, self._way, self._on_end = calls, way, on_end
        self._timeout = seconds_of(timeout, way[0].config.timeout_total)
        self._outbox = outbox_of(calls.store)
        self._not_before = 0.0

    def run_next(self) -> bool:
        """Make the next one that is due, and tell of it; False where none is due, or the circuit is open."""
        if time.monotonic() < self._not_before:
            return False
        token, state = os.urandom(16).hex(), self._way[0]
        taken = self._outbox.take(token, self._lease, account_here(state), state.base_url)
        if taken is None:
            return False
        if taken.state == "open":
            self._make(taken)
        else:
            self._tell(taken)
        return True

    def recover(self, per_second: float, is_stopping: Callable[[], bool]) -> None:
        """Settle what any worker left in doubt."""
        recovery = Recovery(self._calls, self._way, _SECONDS_TO_RECOVER, per_second, same_account=False)
        for _ in recovery.entries():
            if is_stopping():
                return

    def leave_thread(self) -> None:
        """Called by a thread that ends."""
        self._outbox.leave_thread()

    @property
    def _lease(self) -> float:
        return max(self._timeout + _LEASE_MARGIN, _TELLING_SECONDS if self._on_end else 0.0)

    def _make(self, queued: Entry) -> None:
        try:
            self._calls.make(self._way, queued, self._timeout, _TELLING_SECONDS if self._on_end else 0.0)
        except CircuitOpenError as error:
            self._not_before = time.monotonic() + (error.retry_after or 1.0)
            return
        except ClientClosedError:
            raise
        except MolamError:
            pass  # it stands in the entry
        if self._on_end is None:
            return
        ended = self._calls.store.find(queued.key)
        if ended is not None and ended.state in CLOSED and ended.token == queued.token:
            self._tell(ended)

    def _tell(self, ended: Entry) -> None:
        """Tell how one ended, and mark it told, in one transaction."""
        try:
            with self._outbox.telling():
                if self._on_end is not None:
                    self._on_end(ended)
                if not self._outbox.told(ended):
                    raise _TakenOverError
        except _TakenOverError:
            log(logging.WARNING, "the end of an operation is told by another worker", facts=_facts(ended))
        except BaseException as problem:
            said = "the end of an operation could not be told: again later"
            log(logging.ERROR, said, exc_info=True, facts=_facts(ended))
            self._outbox.tell_later(ended)
            if raised_from_outside(problem):
                raise


class OutboxWorker(Worker):
    """Makes what was enqueued in ``threads`` threads; get one with ``client.journal.worker()``.

    Any number of workers, on any number of machines, share the outbox: each operation goes to one. ``stop`` lets those
    that run come to their end, and takes no more.
    """

    name = "molam-outbox"
    cannot = "the outbox cannot be worked on"
    stops = "outbox worker stops when the operations that run are settled"

    def __init__(
        self, queued: QueuedOperations, *, threads: int, poll_seconds: float, recover_per_second: float
    ) -> None:
        _check("threads", threads, whole=True)
        _check("poll_seconds", poll_seconds)
        _check("recover_per_second", recover_per_second)
        self._recover = Chore(_RECOVER_EVERY, lambda is_stopping: queued.recover(recover_per_second, is_stopping))
        super().__init__(
            queued,
            threads=threads,
            poll_seconds=poll_seconds,
            chores=(self._recover,),
            logger=logging.getLogger("molam_sdk"),
        )

    def run_until_empty(self, *, for_seconds: float = float("inf")) -> int:
        """As every worker's; what killed workers left in doubt is recovered first."""
        end = time.monotonic() + for_seconds
        self._recover.do(lambda: time.monotonic() >= end or self._is_stopping())
        return super().run_until_empty(for_seconds=max(0.0, end - time.monotonic()))


def _check(name: str, value: float, *, whole: bool = False) -> None:
    kinds: type | tuple[type, ...] = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value <= 1000:
        raise RequestValidationError(f"{name} must be a {'whole ' if whole else ''}number above 0, at most 1000")


def _facts(entry: Entry) -> dict[str, object]:
    return {"idempotency_key": entry.key, "operation": entry.operation, "state": entry.state}
