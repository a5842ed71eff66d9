"""What a client and every view of it hold together: a change on one is a change on all."""

from __future__ import annotations

import logging
import platform
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from ._api_key import ApiKeySource
from ._core.call_settings import CallSettings
from ._core.doubts import DoubtMemory
from ._core.operations import GROUPS
from ._core.retry import RetryBudget, RetryPolicy
from ._forks import renew_after_fork
from ._quiet_log import log
from ._shown import meant
from ._switches import switches_of
from ._version import version
from .config import ApiKey, ClientConfig, check_base_url, region_url
from .exceptions import ConfigurationError
from .redaction.names import read_name

if TYPE_CHECKING:
    from typing_extensions import Self

_LEAST_PATIENT_BACKOFF: Final = 0.1


# Fields that the SDK asks for by name.
_OURS: Final = {name.lower(): name for name in ("Authorization", "Content-Type", "User-Agent")}


class RequestHeaders(dict[str, str]):
    """The header fields of every request: a dict whose repr does not show the API key. A field has one name, however it
    is written (RFC 9110 §5.1): ``authorization`` is ``Authorization``, and whoever reads a request finds it there."""

    def __setitem__(self, name: str, value: str) -> None:
        if name.lower() == "idempotency-key":
            raise ConfigurationError(
                "an idempotency key belongs to one call: give it to the method, as idempotency_key=…"
            )
        super().__setitem__(self._written(name), value)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(self._written(name))

    def __delitem__(self, name: str) -> None:
        super().__delitem__(self._written(name))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(self._written(name))

    def __ior__(self, fields: Any) -> Self:  # type: ignore[override, misc]
        self.update(fields)
        return self

    def __repr__(self) -> str:
        return repr({name: "***" if read_name(name).secret else value for name, value in self.items()})

    def get(self, name: str, default: Any = None) -> Any:
        """As dict's, and so the others."""
        return super().get(self._written(name), default)

    def pop(self, name: str, *default: Any) -> Any:
        return super().pop(self._written(name), *default)

    def setdefault(self, name: str, value: str = "") -> str:
        if name not in self:
            self[name] = value
        return self[name]

    def update(self, *fields: Any, **named: str) -> None:
        for name, value in dict[str, str](*fields, **named).items():
            self[name] = value

    def _written(self, name: str) -> str:
        """The name under which a field stands, or would."""
        low = name.lower()
        return next((known for known in self if known.lower() == low), _OURS.get(low, name))


class ClientState:
    """Settings in force, API key, retry budget and the closed flag of one client.

    ``headers`` holds the Authorization of a fixed key that never expires. A source never writes into it, so what an old
    one answers late reaches only the call that asked: ``set_api_key`` cannot be undone by it. ``discard_connections``:
    the transport's, where it has one.
    """

    def __init__(self, config: ClientConfig, clock: Callable[[], float]) -> None:
        for group in config.bulkheads:
            if group not in GROUPS:
                raise ConfigurationError(f"bulkheads: unknown group{meant(group, GROUPS)}")
        self.config = config
        self.switches = switches_of(config)
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
        self.key = ApiKeySource(api_key, partial(_checked_key, ref(self)))
        self.headers.pop("Authorization", None)
        if not self.key.changes and (authorization := self.key.authorization()):
            self.headers["Authorization"] = authorization


def _checked_key(state: ref[ClientState], key: str) -> str:
    """Refuse a key that the settings in force refuse, whichever way it comes. Weak: in a cycle a client that nobody
    closed would outlive its event loop, and its sockets could not be let go of."""
    known = state()
    if known is not None:
        known.config.changed(api_key=key)
    return key


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
