"""What a service token (``jwt_…``) says of itself: its claims, read and never verified, and how long it is good for."""

from __future__ import annotations

import base64
import binascii
import json
import time
from typing import Any, Final, NamedTuple

TOLERANCE_SECONDS: Final = 300.0
"""How far two clocks may be apart: as much as the time of a webhook's signature may."""

_RENEWED_BEFORE: Final = 0.2
_SOONEST: Final = 1.0
_LATEST_TIME: Final = 1e15


class TokenLife(NamedTuple):
    """Seconds from now until a token should be renewed, and until it is of no use."""

    renew_in: float
    left: float


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a service token; none where they cannot be read."""
    parts = token.removeprefix("jwt_").split(".") if token.startswith("jwt_") else ()
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def expires_at(token: str) -> float | None:
    """When a service token expires, as a Unix time in seconds; None where that is not known."""
    return _time(claims_of(token).get("exp"))


def token_life(token: str) -> TokenLife | None:
    """How long a token that was just given is good for; None where that is not known.

    It is renewed when four fifths of its life are over. Where its time of issue shows that this clock is behind, its
    life is counted from now on. One that seems to have expired may be good by Molam's clock, for a while.
    """
    claims = claims_of(token)
    expiry, issued = _time(claims.get("exp")), _time(claims.get("iat"))
    if expiry is None:
        return None
    left = expiry - time.time()
    life = left if issued is None or issued >= expiry else expiry - issued
    left = min(left, life)
    if left <= 0:
        return TokenLife(_SOONEST, max(0.0, left + TOLERANCE_SECONDS))
    return TokenLife(max(_SOONEST, left - _RENEWED_BEFORE * life, left / 2), left)


def _time(claim: object) -> float | None:
    usable = isinstance(claim, int | float) and not isinstance(claim, bool) and 0 <= claim <= _LATEST_TIME
    return float(claim) if usable else None  # type: ignore[arg-type]  # a number, as was just seen
