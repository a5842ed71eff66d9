"""Webhooks for tests: signed deliveries of every type with objects as Molam has them, and endpoints in a sandbox."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from typing_extensions import Self

from .client import MolamClient
from .config import ClientConfig
from .models import WebhookEndpoint
from .receiver.event_types import spelt_out
from .webhooks import AnyWebhookEvent, canonical_type, parse_event, sign
from .webhooks.signature import DEFAULT_KID

SAMPLE_SECRET: Final = "whsec_only_for_tests"  # noqa: S105  # signs samples, and nothing of Molam's
"""What ``signed_event`` signs with, unless it is given another secret."""

_CREATED_AT: Final = "2026-01-02T03:04:05Z"
_PAYMENT: Final = {
    "amount": 5000,
    "currency": "XOF",
    "capture": True,
    "customer_id": "cus_sample",
    "description": "An order",
    "metadata": {"order": "1"},
    "created_at": _CREATED_AT,
}
_REFUND: Final = {
    "payment_id": "pi_sample",
    "amount": 1500,
    "currency": "XOF",
    "reason": "returned",
    "metadata": {},
    "created_at": _CREATED_AT,
}
_PAYOUT: Final = {
    "amount": 20000,
    "currency": "XOF",
    "beneficiary": {"account": "sample"},
    "origin_module": "shop",
    "origin_entity": "sample",
    "metadata": {},
    "created_at": _CREATED_AT,
}
_DISPUTE: Final = {"payment_id": "pi_sample", "amount": 5000, "currency": "XOF", "created_at": _CREATED_AT}
_OBJECTS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "payment": ("pi", _PAYMENT),
    "refund": ("re", _REFUND),
    "payout": ("po", _PAYOUT),
    "dispute": ("dp", _DISPUTE),
}
_STATUSES: Final[Mapping[str, str]] = {
    "payment.created": "requires_confirmation",
    "refund.created": "pending",
    "payout.created": "pending",
    "payout.paid": "completed",
    "dispute.created": "open",
}


@dataclass(frozen=True, slots=True)
class SampleDelivery:
    """A request as Molam would make it: post ``body`` with ``headers``. ``event`` is what the body says."""

    headers: Mapping[str, str]
    body: bytes
    event: AnyWebhookEvent


def signed_event(
    event_type: str,
    /,
    *,
    secret: str | bytes = SAMPLE_SECRET,
    kid: str = DEFAULT_KID,
    now: float | None = None,
    event_id: str | None = None,
    livemode: bool | None = False,
    data: Mapping[str, Any] | None = None,
    **fields: Any,
) -> SampleDelivery:
    """A signed delivery: ``receiver.receive(sample.headers, sample.body)``.

    The object is one as Molam has it at such an event; ``fields`` replace or add fields of it, and so does ``data``,
    for names that are arguments here. Of a type that nobody knows, it has nothing else. ``now`` is Unix seconds.
    """
    moment = time.time() if now is None else now
    event: dict[str, Any] = {
        "id": event_id or f"evt_{uuid.uuid4().hex}",
        "type": event_type,
        "created": int(moment),
        "livemode": livemode,
        "data": {**_object_of(event_type), **(data or {}), **fields},
    }
    said = {name: value for name, value in event.items() if value is not None}
    body = json.dumps(said, default=_number, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Molam-Signature": sign(body, secret, kid, now=moment),
        "Idempotency-Key": f"del_{uuid.uuid4().hex}",
    }
    return SampleDelivery(headers, body, parse_event(body))


def _object_of(event_type: str) -> dict[str, Any]:
    short = canonical_type(event_type)
    kind, _, what = short.partition(".")
    if kind not in _OBJECTS:
        return {}
    prefix, fields = _OBJECTS[kind]
    return {
        "id": f"{prefix}_{uuid.uuid4().hex}",
        "status": _STATUSES.get(short, what),
        **json.loads(json.dumps(fields)),
    }


def _number(value: object) -> float | int:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


class SandboxWebhooks:
    """Webhook endpoints in a sandbox. ``secrets`` is a mapping for ``WebhookReceiver``; it fills as endpoints are made.

    So the receiver can be there before its URL is: ``WebhookReceiver(webhooks.secrets)``, then ``subscribe(url)``.
    """

    def __init__(self, url: str, api_key: str) -> None:
        self.secrets: dict[str, list[str]] = {}
        self._client = MolamClient(ClientConfig(api_key=api_key, base_url=url))

    def subscribe(self, url: str, *events: str) -> WebhookEndpoint:
        """Have events of these types sent to a URL; patterns such as ``payment.*`` too, and all, if none is given."""
        endpoint = self._client.create_webhook_endpoint(
            {"tenant_type": "merchant", "tenant_id": "tests", "url": url, "events": spelt_out(events)}
        )
        self.secrets.setdefault(endpoint.kid or DEFAULT_KID, []).append(endpoint.secret or "")
        return endpoint

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
