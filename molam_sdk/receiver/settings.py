"""What a receiver is set up with, checked before the first delivery comes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import TypeAlias

Later: TypeAlias = Callable[[Callable[[], None]], object]
"""Is given a function to run once the answer was sent."""


def check_number(name: str, number: object, *, whole: bool = False) -> None:
    """``ValueError`` unless it is a finite number above 0."""
    kinds = int if whole else (int, float)
    if isinstance(number, kinds) and not isinstance(number, bool) and 0 < number < math.inf:
        return
    raise ValueError(f"{name} is {number!r}: it must be a {'whole' if whole else 'finite'} number above 0")


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
