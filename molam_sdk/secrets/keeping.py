"""For how long the answer of a source counts: data, checked once."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

from ..exceptions import ConfigurationError


@dataclass(frozen=True, slots=True)
class Keeping:
    """All times are seconds.

    ``ttl_seconds``: how long an answer counts; it is renewed in the background when four fifths of that are over,
    sooner by up to a tenth, so that many processes do not ask at once. ``stale_for``: how much longer the last good
    answer is used while the source fails. ``absent_for``: how long it counts that there is no such secret.
    ``local``: looking costs next to nothing and never waits, so that it is done each time.
    """

    ttl_seconds: float = 300.0
    stale_for: float = 86_400.0
    absent_for: float = 5.0
    local: bool = False

    def __post_init__(self) -> None:
        for item in fields(self)[:3]:
            value = getattr(self, item.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise ConfigurationError(f"{item.name} must be a number of seconds, 0 or more, not {value!r}")


REMOTE: Final = Keeping()
LOCAL: Final = Keeping(ttl_seconds=0.0, local=True)
ON_DEMAND: Final = Keeping(ttl_seconds=math.inf)
"""Asked at first use, and again only when the answer was refused or expires."""
