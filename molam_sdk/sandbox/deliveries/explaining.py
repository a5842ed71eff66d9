"""Why a signature failed: what a receiver had, held against what was sent; the most likely cause first."""

import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .signing import signature_of

TOLERANCE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class SentDelivery:
    """What one attempt sent, and which secrets there are: this endpoint's by kid, and those of others."""

    header: str
    body: bytes
    secrets: Sequence[tuple[str, str]]
    of_others: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ReceivedDelivery:
    """What a receiver says it had; what it does not say counts as what was sent, its secret as the newest."""

    header: str | None = None
    body: bytes | None = None
    secret: str | None = None


def explain(sent: SentDelivery, received: ReceivedDelivery, now: float | None = None) -> list[str]:
    """Sentences, the cause first; the only one says that the signature holds where it does."""
    header = sent.header if received.header is None else received.header.strip()
    body = sent.body if received.body is None else received.body
    secret = received.secret if received.secret is not None else sent.secrets[-1][1]
    parts = _parts(header)
    if not parts.get("t") or not parts.get("v1"):
        return ["The header has no t or no v1: it is not a Molam-Signature."]
    found = [*_about_secret(sent, received.secret), *_about_body(sent, received.body)]
    holds = any(hmac.compare_digest(signature_of(body, parts["t"][0], secret), value) for value in parts["v1"])
    if not holds and not found:
        found.append(_about_signature(sent, header, parts["t"][0], body))
    age = (time.time() if now is None else now) - _seconds(parts["t"][0])
    if abs(age) > TOLERANCE_SECONDS:
        found.append(
            f"t is {abs(age):.0f} s {'ago' if age > 0 else 'ahead'}: a receiver refuses beyond {TOLERANCE_SECONDS} s, "
            "so this attempt can no longer be believed; redeliver it."
        )
    if holds:
        return ["The signature holds: this secret signs these bytes.", *found]
    return found


def _about_secret(sent: SentDelivery, given: str | None) -> list[str]:
    ours = {secret: kid for kid, secret in sent.secrets}
    if given is None or given in ours:
        return []
    if given.strip() in ours:
        return ["The secret has white space around it, from a file or a variable."]
    if f"whsec_{given}" in ours:
        return ["The secret lacks its prefix whsec_, which is part of it."]
    if given in sent.of_others:
        return ["This is the secret of another webhook endpoint."]
    return ["This is no secret of this endpoint; it is shown when the endpoint is made or its secret rotated."]


def _about_body(sent: SentDelivery, given: bytes | None) -> list[str]:
    if given is None or given == sent.body:
        return []
    if given.strip() == sent.body.strip():
        return ["The body has white space more or less than what was sent; verify the bytes as they came."]
    try:
        same = json.loads(given) == json.loads(sent.body)
    except ValueError:
        same = False
    if same:
        return ["The body was parsed and written again: the same JSON in other bytes. Verify the bytes as they came."]
    return ["The body is not what was sent."]


def _about_signature(sent: SentDelivery, header: str, t: str, body: bytes) -> str:
    if header != sent.header:
        return "The header is that of another attempt or was changed: each attempt is signed anew, with a t of its own."
    kids = [kid for kid, secret in sent.secrets if signature_of(body, t, secret) in header]
    if kids:
        named = ", ".join(kids)
        return f"It was signed with another secret of this endpoint: kid {named}. Rotated secrets overlap for 24 h."
    return "The sandbox signed it with a secret that is not this endpoint's: the fault bad_signature was in force."


def _parts(header: str) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    for pair in header.split(","):
        name, _, value = pair.strip().partition("=")
        parts.setdefault(name, []).append(value)
    return parts


def _seconds(t: str) -> float:
    return int(t) / 1000 if t.isascii() and t.isdigit() and len(t) < 18 else 0.0
