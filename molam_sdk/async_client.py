"""MolamAsyncClient: PlainAsyncClient behind a circuit breaker, with metrics and logs."""

from __future__ import annotations

from collections.abc import Sequence

import pybreaker
from prometheus_client import CollectorRegistry

from ._base_client import BaseClient
from ._core.record import Gate, Observer
from ._core.wire import AsyncTransport
from ._shared_breaker import breaker_of
from .cb import FailureRate, create_circuit_breaker
from .config import ClientConfig
from .logging_setup import LogObserver
from .metrics import MetricsObserver, watch_breaker
from .plain_async_client import AsyncPages, PlainAsyncClient

__all__ = ["AsyncPages", "MolamAsyncClient"]  # blocking: __all__ = ["MolamSyncClient", "Pages"]


class MolamAsyncClient(PlainAsyncClient):
    """The client for production: same methods, and every call is guarded, counted and logged.

    ``cb_fail_max`` outages in a row open the breaker for ``cb_reset_timeout`` seconds; so does ``cb_failure_rate``,
    if given. Then ``cb_half_open_probes`` calls at a time are let through, and ``cb_success_threshold`` successes
    close it. Only outages count (no answer, 500, 502, 503, 504), once per call; a cancelled call never does.
    A refused call raises ``CircuitOpenError``, outcome ``not_sent``. ``cb`` is the pybreaker breaker; pass one to
    share it.
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
        transport: AsyncTransport | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        super().__init__(config, transport=transport, observers=(MetricsObserver(registry), LogObserver(), *observers))
        self.cb = cb or create_circuit_breaker(
            cb_name, cb_fail_max, cb_reset_timeout, success_threshold=cb_success_threshold
        )
        watch_breaker(self.cb, registry)
        self._breaker = breaker_of(self.cb, half_open_probes=cb_half_open_probes, failure_rate=cb_failure_rate)

    @property
    def client(self) -> PlainAsyncClient:
        """A view of this client without breaker, metrics and logs: same connections, API key, region and end."""
        view = object.__new__(PlainAsyncClient)
        BaseClient.__init__(view, self._state, ())
        return view

    def _passage(self) -> Gate:
        return self._breaker.passage()
