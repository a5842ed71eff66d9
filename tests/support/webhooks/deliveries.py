"""What Molam would send: bodies, headers, and the moment that tests live in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from molam_sdk.webhooks import sign

NOW = 1_800_000_000.0
"""The present of the tests, in Unix seconds."""

SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw"
SECRETS = {"v1": SECRET}
PAYMENT = {"id": "pi_1", "status": "succeeded", "amount": 100.5, "currency": "USD", "metadata": {"order": "7"}}


def body_of(event_type: str = "payment.succeeded", data: Any = PAYMENT, **fields: Any) -> bytes:
    """An event as Molam writes it; a field that is None is left out."""
    event = {"id": "evt_1", "type": event_type, "created": int(NOW), "data": data, **fields}
    return json.dumps({name: value for name, value in event.items() if value is not None}).encode()


def delivery_of(
    body: bytes, *, now: float = NOW, headers: Mapping[str, str] | None = None
) -> tuple[dict[str, str], bytes]:
    """Headers and body of a signed delivery."""
    signed = {"Molam-Signature": sign(body, SECRET, now=now), "Content-Length": str(len(body))}
    return {**signed, **(headers or {})}, body
