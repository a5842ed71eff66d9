"""Which account an API key belongs to, told without telling the key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from .._service_token import claims_of

_DOMAIN: Final = b"molam-python-sdk account v1\0"
_DIGITS: Final = 16


def account_of(headers: Mapping[str, str]) -> str | None:
    """A fingerprint of the account that a request is made for; None without a key.

    64 bits of SHA-256, which do not lead back to a key. A service token (``jwt_…``) stands for its issuer and subject,
    so that the account stays the same when the token is renewed.
    """
    key = headers.get("Authorization", "").removeprefix("Bearer ")
    if not key:
        return None
    owner = _owner_of(key) or key
    return hashlib.sha256(_DOMAIN + owner.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]


def _owner_of(key: str) -> str | None:
    """Issuer and subject of a service token, where they can be read."""
    claims = claims_of(key)
    return json.dumps(["jwt", claims.get("iss"), claims["sub"]]) if claims.get("sub") else None
