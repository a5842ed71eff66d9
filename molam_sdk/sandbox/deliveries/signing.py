"""The Molam-Signature header, written from the contract alone: it is the judge of the SDK's own verification."""

import hashlib
import hmac
from collections.abc import Sequence


def signature_of(payload: bytes, unix_ms: int | str, secret: str) -> str:
    """HMAC-SHA256 over `<t>.<raw body>`, in hexadecimal digits."""
    return hmac.new(secret.encode(), f"{unix_ms}.".encode() + payload, hashlib.sha256).hexdigest()


def sign(payload: bytes, unix_ms: int, secrets: Sequence[tuple[str | None, str]]) -> str:
    """The header value for (kid, secret) pairs: one v1 and kid per pair; a kid of None is left out."""
    signed = [(signature_of(payload, unix_ms, secret), kid) for kid, secret in secrets]
    pairs = [f"v1={value}" if kid is None else f"v1={value},kid={kid}" for value, kid in signed]
    return ",".join([f"t={unix_ms}", *pairs])
