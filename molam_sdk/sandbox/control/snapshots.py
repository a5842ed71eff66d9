"""Snapshots: all that a sandbox holds as bytes, put back in a moment, or begun anew."""

from ..access.keys import ApiKeys
from ..deliveries.worker import DeliveryWorker
from ..domain.clock import SandboxClock
from ..faults.faults import Faults
from ..store.changes import Changes
from ..store.database import SandboxStore
from ..store.request_log import RequestLog

_TOPICS = ("payments", "deliveries", "requests", "ledger", "keys", "faults", "clock")


class Snapshots:
    """Of one running sandbox. The main key stays what it is, so that clients go on; faults are no part of it."""

    def __init__(  # noqa: PLR0917  # one of each, told apart by their types
        self,
        store: SandboxStore,
        worker: DeliveryWorker,
        clock: SandboxClock,
        keys: ApiKeys,
        faults: Faults,
        log: RequestLog,
        changes: Changes,
    ) -> None:
        self._store, self._worker, self._clock = store, worker, clock
        self._keys, self._faults, self._log, self._changes = keys, faults, log, changes

    def take(self) -> bytes:
        """Payments, ledger, keys, endpoints, events, deliveries, requests, and how far ahead the clock is."""
        self._log.flush()
        with self._store.transaction() as tx:
            tx.save_setting("clock_offset", self._clock.offset)
        return self._store.copy()

    async def restore(self, data: bytes) -> None:
        """Be as it was when this was taken; DamagedDatabaseError, and all stays, for what is no snapshot."""
        await self._become(data)

    async def reset(self) -> None:
        """Be as at the start: nothing there, no fault, the clock at real time."""
        self._faults.clear()
        await self._become(None)

    async def _become(self, data: bytes | None) -> None:
        await self._worker.forget()
        self._log.flush()
        try:
            self._store.become(data)
            with self._store.transaction() as tx:
                self._clock.return_to(tx.setting("clock_offset") or 0.0)
            self._keys.load()
        finally:
            self._worker.wake()
        for topic in _TOPICS:
            self._changes.tell(topic)
