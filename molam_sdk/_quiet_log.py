"""The SDK's own words to the log: a handler or a filter that raises must not cost the result of a payment."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from ._interruption import raised_from_outside

_NONE: Final[Mapping[str, object]] = {}
_logger = logging.getLogger("molam_sdk")


def log(
    level: int, message: str, *arguments: object, exc_info: bool = False, facts: Mapping[str, object] = _NONE
) -> None:
    """Log it, if logging works; ``facts`` are the record's extras."""
    try:
        _logger.log(level, message, *arguments, exc_info=exc_info, extra=dict(facts), stacklevel=2)
    except Exception as problem:
        if raised_from_outside(problem):
            raise
