"""What ``on`` may be given: known event types, and patterns that match one. A misspelt one would wait for ever."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Final

from ..webhooks import canonical_type
from ..webhooks.event import KNOWN_TYPES

_RETRIEVED: Final = ("payment.", "refund.", "payout.")


def check_types(types: Sequence[str], *, unknown_types: bool) -> None:
    """``ValueError`` unless each names a type that this version knows, or is a pattern for one."""
    if not types or not all(isinstance(name, str) and name for name in types):
        raise ValueError("name the event types to react to: on('payment.succeeded') or on('*')")
    for name in types:
        if not unknown_types and not matched_types(name):
            raise ValueError(f"no event type is called {name!r}{_nearest(name)}; {_OPT_IN}")


def check_latest(types: Sequence[str]) -> None:
    """``ValueError`` unless the API can be asked for the object of every event that these types stand for."""
    for name in types:
        short = canonical_type(name)
        if not short.startswith(_RETRIEVED):
            raise ValueError(f"latest=True wants types of payments, refunds or payouts, which {name!r} is not only")


def compiled(types: Sequence[str]) -> re.Pattern[str]:
    """One pattern for short names; ``*`` stands for any text."""
    parts = [".*".join(map(re.escape, canonical_type(name).split("*"))) for name in types]
    return re.compile("|".join(parts), re.DOTALL)


def spelt_out(types: Iterable[str]) -> list[str]:
    """The known types that types and patterns stand for, for an endpoint, which takes no patterns; ``*`` stays."""
    names = list(types) or ["*"]
    check_types(names, unknown_types=False)
    return ["*"] if "*" in names else [known for name in names for known in matched_types(name)]


def matched_types(name: str) -> list[str]:
    """The known types that a type or a pattern stands for."""
    pattern = compiled([name])
    return [known for known in sorted(KNOWN_TYPES) if pattern.fullmatch(known)]


_OPT_IN: Final = "a type that Molam has and this version does not know: on(…, unknown_types=True)"


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(canonical_type(name), sorted(KNOWN_TYPES), n=1)
    return f": did you mean {near[0]!r}?" if near else ""
