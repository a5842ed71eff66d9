"""Circuit breakers: one of your own, those that clients share by name, and what trips them."""

from __future__ import annotations

from typing import Any

import pybreaker

from ._breaker.named import NAMED, NamedBreaker
from ._breaker.window import FailureRate

__all__ = ["FailureRate", "NamedBreaker", "breakers", "create_circuit_breaker", "reset_all"]


def create_circuit_breaker(
    name: str = "molam_api_cb", fail_max: int = 5, reset_timeout: float = 60, **options: Any
) -> pybreaker.CircuitBreaker:
    """A plain pybreaker breaker, to be given to clients as ``cb`` or fed by code of your own.

    ``reset_timeout`` is seconds; ``options`` go to ``pybreaker.CircuitBreaker`` as they are.
    """
    return pybreaker.CircuitBreaker(name=name, fail_max=fail_max, reset_timeout=reset_timeout, **options)


def breakers() -> tuple[NamedBreaker, ...]:
    """The breakers that clients of this process share by name and base URL; none that a client was given as ``cb``."""
    return NAMED.all()


def reset_all() -> None:
    """Close the breakers of all clients but those that were given as ``cb``, and forget what was counted.

    For tests, between which the pytest plugin does this by itself, and for an outage that is known to be over.
    """
    NAMED.reset()
