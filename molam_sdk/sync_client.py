# Generated from async_client.py by ci/generate_blocking.py: edit that file, not this one.
"""MolamSyncClient: MolamClient behind a circuit breaker, with metrics and logs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import pybreaker
from prometheus_client import CollectorRegistry

from ._base_client import BaseClient
from ._breaker.named import ClientBreaker
from ._breaker.settings import BreakerSettings
from ._core.record import Gate, Observer
from ._core.wire import Transport
from .cb import FailureRate
from .client import MolamClient, Pages
from .config import ClientConfig
from .logging_setup import LogObserver
from .metrics import MetricsObserver, watch_breaker, watch_journal

if TYPE_CHECKING:
    from ._journalling.opening import JournalSource

__all__ = ["MolamSyncClient", "Pages"]


class MolamSyncClient(MolamClient):
    """The client for production: same methods, and every call is guarded, counted and logged.

    ``cb_fail_max`` outages in a row open the breaker for ``cb_reset_timeout`` seconds; so does ``cb_failure_rate``,
    if given. Then ``cb_half_open_probes`` calls at a time are let through, and ``cb_success_threshold`` successes
    close it. Only outages count (no answer, 500, 502, 503, 504), once per call.
    A refused call raises ``CircuitOpenError``, outcome ``not_sent``. Clients of one ``cb_name`` and base URL share a
    breaker, also one after the other; the settings of the first count. A ``cb`` of your own is used as it is.
    """

    def __init__(
        self,
        config: ClientConfig | None = None,
        cb_name: str = "molam_api_cb",
        cb_fail_max: int = 5,
        cb_reset_timeout: float = 60,
        *,
        cb_success_threshold: int = 1,
        cb_half_open_probes: int = 1,
        cb_failure_rate: FailureRate | None = None,
        cb: pybreaker.CircuitBreaker | None = None,
        registry: CollectorRegistry | None = None,
        transport: Transport | None = None,
        observers: Sequence[Observer] = (),
        journal: JournalSource | None = None,
    ) -> None:
        observers = (MetricsObserver(registry), LogObserver(), *observers)
        settings = BreakerSettings(
            cb_fail_max, cb_reset_timeout, cb_success_threshold, cb_half_open_probes, cb_failure_rate
        )
        super().__init__(config, transport=transport, observers=observers, journal=journal)
        self._breaker = ClientBreaker(
            cb_name if cb is None else cb, settings, self.base_url, partial(watch_breaker, registry=registry)
        )
        if self._state.journal is not None:
            watch_journal(self._state.journal.store, registry, ended=self._state.closed.is_set)

    @property
    def cb(self) -> pybreaker.CircuitBreaker:
        """The pybreaker breaker for calls to the base URL that is in force."""
        return self._breaker.at(self._state.base_url).cb

    @property
    def client(self) -> MolamClient:
        """A view of this client without breaker, metrics and logs: same connections, API key, region and end."""
        view = object.__new__(MolamClient)
        BaseClient.__init__(view, self._state, ())
        return view

    def _passage(self) -> Gate:
        return self._breaker.passage(self._state.base_url)
