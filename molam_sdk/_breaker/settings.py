"""How a breaker trips and lets calls through again, and which settings count where clients of one breaker differ."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, fields

from .._quiet_log import log
from .._shown import shown
from ..exceptions import ConfigurationError
from .window import FailureRate


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """The arguments ``cb_…`` of a client; ``reset_timeout`` is seconds. ``ConfigurationError`` names a wrong one."""

    fail_max: int = 5
    reset_timeout: float = 60
    success_threshold: int = 1
    half_open_probes: int = 1
    failure_rate: FailureRate | None = None

    def __post_init__(self) -> None:
        for name in ("fail_max", "success_threshold", "half_open_probes"):
            count: object = getattr(self, name)
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                raise ConfigurationError(f"cb_{name} must be a whole number from 1 on, not {shown(count)}")
        seconds: object = self.reset_timeout
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < math.inf:
            raise ConfigurationError(f"cb_reset_timeout must be a number of seconds from 0 on, not {shown(seconds)}")
        if self.failure_rate is not None and not isinstance(self.failure_rate, FailureRate):
            raise ConfigurationError(f"cb_failure_rate must be a FailureRate, not {shown(self.failure_rate)}")

    def without_its_own(self) -> BreakerSettings:
        """Of these, what a breaker that the merchant made does not say itself."""
        return BreakerSettings(half_open_probes=self.half_open_probes, failure_rate=self.failure_rate)


class Agreed:
    """The settings that the first client of a breaker came with. They stay: a later client with others must neither
    change under the first what trips its breaker, nor keep a shop from starting. It is told once, in the log: a client
    also comes to another breaker when it is moved to another address, in the middle of a call."""

    __slots__ = ("_settings", "_told")

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._told = False

    def hear(self, settings: BreakerSettings, breaker: str | None) -> None:
        """A further client of this breaker comes with these."""
        if settings == self._settings or self._told:
            return
        self._told = True
        names = [item.name for item in fields(settings) if _of(settings, item.name) != _of(self._settings, item.name)]
        log(
            logging.WARNING,
            "clients of circuit breaker %r want different settings: those of the first stay (%s), those of a later one "
            "do not count (%s): give it a cb_name of its own, or the same settings",
            breaker,
            _arguments(self._settings, names),
            _arguments(settings, names),
            facts={"breaker": breaker},
        )


def _of(settings: BreakerSettings, name: str) -> object:
    return getattr(settings, name)


def _arguments(settings: BreakerSettings, names: list[str]) -> str:
    return ", ".join(f"cb_{name}={_of(settings, name)!r}" for name in names)
