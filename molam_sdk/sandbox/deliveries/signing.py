"""The Molam-Signature header, written from the contract alone: it is the judge of the SDK's own verification."""

import hashlib
import hmac
from collections.abc import Sequence


def sign(payload: bytes, unix_ms: int, secrets: Sequence[tuple[str, str]]) -> str:
    """The header value for (kid, secret) pairs: HMAC-SHA256 over `<t>.<raw body>`, one v1 and kid per pair."""
    signed = f"{unix_ms}.".encode() + payload
    pairs = [f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()},kid={kid}" for kid, secret in secrets]
    return ",".join([f"t={unix_ms}", *pairs])
