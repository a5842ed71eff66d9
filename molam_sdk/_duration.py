"""Lengths of time as people write them on a command line."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def duration_of(text: str) -> timedelta:
    """``24h``, ``7d``, ``90m``; ``ValueError`` otherwise."""
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no duration: say 90m, 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
