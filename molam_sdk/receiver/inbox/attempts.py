"""How soon and how often an event of the inbox is tried again."""

from __future__ import annotations

import random
from typing import Final

_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 3600.0
_SPREAD: Final = 0.2

MAX_ATTEMPTS: Final = 20
"""Tries before an event is given up: about half a day at these pauses."""


def pause_after(attempts: int) -> float:
    """Seconds to wait after so many tries: 5, 10, 20 … up to an hour, each a fifth longer or shorter by chance."""
    doubled: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempts - 1, 20))
    return doubled * random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311  # spreads those that failed together
