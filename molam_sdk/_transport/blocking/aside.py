"""Waiting for what runs aside, blocking."""

from __future__ import annotations

from typing import Any

from ..._aside import Aside


def ended_in_time(aside: Aside[Any], seconds: float) -> bool:
    """Whether it ended within that time."""
    return aside.wait(max(0.0, seconds))
