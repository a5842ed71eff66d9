"""What a receiver is set up with, checked before the first delivery comes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

_SECRETS: Final = "a secret, a mapping from key ids to secrets, or what gives the secrets of a key id when it is called"
_RETRIEVE: Final = ("retrieve_payment_intent", "retrieve_refund", "retrieve_payout")
_STORE: Final = "a store of molam_sdk.store, or the path of a SQLite file"
Later: TypeAlias = Callable[[Callable[[], None]], object]
"""Is given a function to run once the answer was sent."""


def check_number(name: str, number: object, *, whole: bool = False) -> None:
    """``ValueError`` unless it is a finite number above 0."""
    kinds = int if whole else (int, float)
    if isinstance(number, kinds) and not isinstance(number, bool) and 0 < number < math.inf:
        return
    raise ValueError(f"{name} is {number!r}: it must be a {'whole' if whole else 'finite'} number above 0")


def check_parts(secrets: object, store: object, client: object, livemode: object, clock: object) -> None:
    """``TypeError`` for a part of a receiver that could not do its work once a delivery comes."""
    for name, part, is_fit, wanted in (
        ("secrets", secrets, isinstance(secrets, str | bytes | Mapping) or callable(secrets), _SECRETS),
        ("store", store, isinstance(store, str | Path) or hasattr(store, "claim"), _STORE),
        ("client", client, client is None or any(hasattr(client, name) for name in _RETRIEVE), "a client of molam_sdk"),
        ("livemode", livemode, livemode is None or isinstance(livemode, bool), "True, False or None"),
        ("clock", clock, callable(clock), "a function that gives Unix seconds"),
    ):
        if not is_fit:
            raise TypeError(f"{name} is a {type(part).__name__}: it must be {wanted}")


def check_process(process: object) -> str:
    """``ValueError`` unless it says when events are run."""
    if process in ("now", "later"):
        return str(process)
    raise ValueError(f"process is {process!r}: it must be 'now' or 'later'")


def keeps_order(in_order: bool, skip_older: bool) -> bool:
    """Whether events of one object are kept in order."""
    if skip_older:
        warnings.warn(
            "skip_older dropped events whose work was never done; it counts as in_order=True, which drops none",
            DeprecationWarning,
            stacklevel=3,
        )
    return in_order or skip_older
