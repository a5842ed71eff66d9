"""The one payment that every contestant makes, and the answers that each expects."""

from __future__ import annotations

import json
from typing import Any

from .loopback import http_answer

KEY = "sk_test_0123456789abcdef0123456789abcdef"
IDEMPOTENCY_KEY = "order-2026-11-21-000042"
PATH = "/v1/connect/payment_intents"

PAYMENT: dict[str, Any] = {
    "amount": 100.5,
    "currency": "USD",
    "customer_id": "cus_8Qm2Yw",
    "description": "Order A1",
    "metadata": {"order_id": "A1", "channel": "web"},
}
HEADERS = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": IDEMPOTENCY_KEY, "Accept": "application/json"}

_MOLAM = PAYMENT | {
    "id": "pi_01HV7Z8Q6J3K5M7N",
    "status": "requires_confirmation",
    "capture": False,
    "created_at": "2026-11-21T09:00:00Z",
    "redirect_url": "https://pay.molam.io/pi_01HV7Z8Q6J3K5M7N",
}
_STRIPE = {
    "id": "pi_1", "object": "payment_intent", "amount": 10050, "currency": "usd", "status": "requires_confirmation",
    "metadata": {"order_id": "A1"}, "created": 1795251600, "livemode": False, "description": "Order A1",
}  # fmt: skip
_OPENAI = {
    "id": "c_1", "object": "chat.completion", "created": 1795251600, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "paid"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip
_SQUARE = {
    "payment": {
        "id": "p_1", "status": "COMPLETED", "amount_money": {"amount": 10050, "currency": "USD"},
        "created_at": "2026-11-21T09:00:00Z", "note": "Order A1", "customer_id": "cus_8Qm2Yw",
    }
}  # fmt: skip
_ADYEN = {"pspReference": "ref_1", "resultCode": "Authorised", "amount": {"currency": "USD", "value": 10050}}
_GOCARDLESS = {
    "payments": {
        "id": "PM1", "created_at": "2026-11-21T09:00:00Z", "charge_date": "2026-11-24", "amount": 10050,
        "currency": "USD", "status": "pending_submission", "metadata": {"order_id": "A1"}, "links": {"mandate": "MD1"},
    }
}  # fmt: skip
_RAZORPAY = {
    "id": "order_1", "entity": "order", "amount": 10050, "currency": "USD", "status": "created",
    "notes": {"order_id": "A1"}, "created_at": 1795251600,
}  # fmt: skip
_BRAINTREE = b"""<?xml version="1.0" encoding="UTF-8"?>
<transaction><id>t1</id><status>authorized</status><type>sale</type><currency-iso-code>USD</currency-iso-code>
<amount>100.50</amount><order-id>A1</order-id><created-at type="datetime">2026-11-21T09:00:00Z</created-at>
<updated-at type="datetime">2026-11-21T09:00:00Z</updated-at></transaction>"""


def _json(body: object) -> bytes:
    return http_answer(json.dumps(body).encode())


# By the beginning of the path; the first match counts.
ANSWERS: dict[str, bytes] = {
    PATH: _json(_MOLAM),
    "/v1/payment_intents": _json(_STRIPE),
    "/openai/": _json(_OPENAI),
    "/v2/payments": _json(_SQUARE),
    "/adyen/": _json(_ADYEN),
    "/merchants/": http_answer(_BRAINTREE, "application/xml"),
    "/payments": _json(_GOCARDLESS),
    "/v1/orders": _json(_RAZORPAY),
}
