"""What a client and every view of it hold together: a change on one is a change on all."""

from __future__ import annotations

import logging
import platform
import threading
from collections.abc import Callable
from time import monotonic as clock
from typing import Final

from ._aside import Aside
from ._core.call import CallSettings
from ._core.doubts import DoubtMemory
from ._core.operations import GROUPS
from ._core.retry import RetryBudget, RetryPolicy
from ._forks import renew_after_fork
from ._quiet_log import log
from ._version import version
from .config import ApiKey, ClientConfig, check_api_key, check_base_url, region_url
from .exceptions import ConfigurationError

_LEAST_PATIENT_BACKOFF: Final = 0.1
_GIVEN_UP_AFTER: Final = 30.0


class RequestHeaders(dict[str, str]):
    """The header fields of every request: a plain dict whose repr does not show the API key."""

    def __repr__(self) -> str:
        return repr({name: "***" if name.lower() == "authorization" else value for name, value in self.items()})


class ApiKeySource:
    """The API key: fixed, or asked of a callable at first use and once more after a 401.

    The callable runs aside, once for all calls that wait for it, each no longer than its deadline. One that has run
    for too long is given up: the next call has it run again, and what it answers late is ignored.
    """

    def __init__(self, key: ApiKey) -> None:
        self._ask = key if callable(key) else None
        self._key = None if key is None or callable(key) else check_api_key(key)
        self._asking: Aside[str] | None = None
        self._lock = threading.Lock()
        renew_after_fork(self)

    def authorization(self) -> str | None:
        """The Authorization header; None where there is no key, or none yet."""
        return None if self._key is None else f"Bearer {self._key}"

    def ask(self, refused: str = "") -> Aside[str] | None:
        """The asking for another Authorization than the refused one, or for the first; None where the key is fixed."""
        if self._ask is None:
            return None
        asking: Aside[str] = Aside(lambda: self._run(asking, refused))
        with self._lock:
            running = self._asking
            if running is not None and not running.done and clock() - running.began < _GIVEN_UP_AFTER:
                return running
            self._asking = asking
        asking.start("molam-api-key")
        return asking

    def after_fork(self) -> None:
        """A thread of the parent may have held the lock, and none of them runs here."""
        self._lock = threading.Lock()
        self._asking = None

    def _run(self, asking: Aside[str], refused: str) -> str:
        known = self.authorization()
        if known is not None and known != refused:  # another call has just asked
            return known
        assert self._ask is not None  # noqa: S101 - ask() has looked; tells the type checker
        key = check_api_key(self._ask())
        with self._lock:
            if self._asking is asking:
                self._key = key
        return f"Bearer {key}"


class ClientState:
    """Settings in force, API key, retry budget and the closed flag of one client.

    ``headers`` holds the Authorization of a fixed key. A callable key never writes into it, so what an old callable
    answers late reaches only the call that asked: ``set_api_key`` cannot be undone by it. ``discard_connections``:
    the transport's, where it has one.
    """

    def __init__(self, config: ClientConfig, clock: Callable[[], float]) -> None:
        for group in config.bulkheads:
            if group not in GROUPS:
                raise ConfigurationError(f"bulkheads: unknown group {group!r}, use {', '.join(GROUPS)}")
        self.config = config
        self.base_url = config.url
        self.headers = RequestHeaders(_default_headers(config))
        self.clock = clock
        self.closed = threading.Event()
        self.discard_connections: Callable[[], None] | None = None
        self.budget = RetryBudget(config.retry_budget)
        self.doubts: DoubtMemory = DoubtMemory(config.remembered_keys)
        renew_after_fork(self.budget)
        renew_after_fork(self.doubts)
        self.settings = self._call_settings(_policy_of(config), self.budget)
        self.resolve_settings = self._call_settings(_patient(self.settings.policy), None, resolving=True)
        self._take_key(config.api_key)

    def use_key(self, api_key: ApiKey) -> None:
        """Send the next calls with this key; ``config`` shows it."""
        self.config = self.config.changed(api_key=api_key)
        self._take_key(api_key)

    def use_base_url(self, url: str) -> None:
        """Send the next calls there; ``ConfigurationError`` unless it is https, or http on loopback."""
        self._move(check_base_url(url), None)

    def use_region(self, region: str) -> None:
        """Send the next calls to a region."""
        self._move(region_url(region), region)

    def _call_settings(
        self, policy: RetryPolicy, budget: RetryBudget | None, *, resolving: bool = False
    ) -> CallSettings:
        return CallSettings(
            policy=policy,
            budget=budget,
            cost=self.config.retry_cost,
            cost_timeout=self.config.retry_cost_timeout,
            clock=self.clock,
            resolving=resolving,
            trace=_trace_attempt if self.config.debug else None,
        )

    def _move(self, url: str, region: str | None) -> None:
        self.config = self.config.changed(base_url=url, environment=None, region=region)
        self.base_url = url

    def _take_key(self, api_key: ApiKey) -> None:
        self.key = ApiKeySource(api_key)
        self.headers.pop("Authorization", None)
        if not callable(api_key) and (authorization := self.key.authorization()):
            self.headers["Authorization"] = authorization


def _policy_of(config: ClientConfig) -> RetryPolicy:
    """How the calls of a client with this configuration are repeated."""
    return RetryPolicy(
        max_retries=config.max_retries,
        backoff_factor=config.retry_backoff_factor,
        backoff_max=config.retry_backoff_max,
        retry_after_max=config.retry_after_max,
    )


def _patient(policy: RetryPolicy) -> RetryPolicy:
    """For ``resolve``: as often as time allows, waiting as long as Molam asks for, and never without a pause."""
    return RetryPolicy(
        max_retries=1_000_000,
        backoff_factor=max(policy.backoff_factor, _LEAST_PATIENT_BACKOFF),
        backoff_max=max(policy.backoff_max, _LEAST_PATIENT_BACKOFF),
        retry_after_max=float("inf"),
    )


def _trace_attempt(operation: str, number: int, code: str) -> None:
    log(logging.DEBUG, "attempt", facts={"endpoint": operation, "attempt": number, "code": code})


def _default_headers(config: ClientConfig) -> dict[str, str]:
    return {
        "User-Agent": f"molam-python-sdk/{version()} python/{platform.python_version()}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Accept-Language": config.default_locale,
        "Content-Type": "application/json",
    }
