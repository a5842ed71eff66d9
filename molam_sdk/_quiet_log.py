"""The SDK's own words to the log: a handler or a filter that raises must not cost the result of a payment."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from ._facts_line import STRUCK, raise_what_struck, say
from ._interruption import raised_from_outside

_NONE: Final[Mapping[str, object]] = {}
_logger = logging.getLogger("molam_sdk")


def log(
    level: int, message: str, *arguments: object, exc_info: bool = False, facts: Mapping[str, object] = _NONE
) -> None:
    """Log it, if logging works; ``facts`` are the record's extras, and end its message where that has no arguments."""
    try:
        if facts and not arguments:
            say(_logger, level, message, facts, error=exc_info, frames=2)
        else:
            struck: list[Exception] = []
            extra = {**facts, STRUCK: struck}
            _logger.log(level, message, *arguments, exc_info=exc_info, extra=extra, stacklevel=2)
            raise_what_struck(struck)
    except Exception as problem:
        if raised_from_outside(problem):
            raise
