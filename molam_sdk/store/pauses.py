"""How long what failed waits for its next try, told to the database."""

from __future__ import annotations

import random
from typing import Final

_SHORTEST: Final = 5
_LONGEST: Final = 3600
_SPREAD: Final = 0.2


def pause_since(column: str) -> str:
    """Seconds as an expression: as long as it has waited since then, from 5 s to an hour, so that each pause is about
    twice the one before; ``:spread`` keeps apart what failed together."""
    waited = f"@now - {column}"
    return (
        f":spread * CASE WHEN {waited} < {_SHORTEST} THEN {_SHORTEST} "
        f"WHEN {waited} > {_LONGEST} THEN {_LONGEST} ELSE {waited} END"
    )


def spread() -> float:
    """A fifth more or less, by chance."""
    return random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311  # jitter, no secret
