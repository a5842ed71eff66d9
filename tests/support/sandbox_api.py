"""The sandbox over HTTP as any client would see it: requests alone, nothing of the SDK."""

from __future__ import annotations

import uuid
from typing import Any

import requests

INTENTS = "/v1/connect/payment_intents"
REFUNDS = "/v1/connect/refunds"
PAYOUTS = "/v1/connect/payouts"
ONBOARD = "/v1/connect/merchants/onboard"
ENDPOINTS = "/v1/webhooks/endpoints"

PAYOUT = {"amount": 5, "currency": "XOF", "beneficiary": "b", "origin_module": "m", "origin_entity": "e"}
MERCHANT = {
    "business_name": "Chez Awa",
    "business_type": "restaurant",
    "country": "SN",
    "currency": "XOF",
    "email": "awa@example.com",
}


class Api:
    """One key's view of a running sandbox."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {key}"

    def close(self) -> None:
        self.session.close()

    def post(
        self, path: str, body: Any = None, key: str | None = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        sent = {"Idempotency-Key": key or uuid.uuid4().hex, **(headers or {})}
        return self.session.post(self.url + path, json={} if body is None else body, headers=sent, timeout=30)

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.session.get(self.url + path, params=query, timeout=30)

    def delete(self, path: str) -> requests.Response:
        return self.session.delete(self.url + path, timeout=30)

    def made(self, path: str, body: Any = None) -> dict[str, Any]:
        """The object of a POST that must succeed."""
        answer = self.post(path, body)
        assert answer.status_code in (200, 201), answer.text
        made: dict[str, Any] = answer.json()
        return made

    def intent(self, amount: Any = 100, currency: str = "USD", **more: Any) -> dict[str, Any]:
        return self.made(INTENTS, {"amount": amount, "currency": currency, **more})

    def act(self, intent: dict[str, Any], action: str, body: Any = None) -> requests.Response:
        return self.post(f"{INTENTS}/{intent['id']}/{action}", body)

    def paid(self, amount: Any = 100, currency: str = "USD", **more: Any) -> dict[str, Any]:
        """A payment that has succeeded."""
        return self.made(f"{INTENTS}/{self.intent(amount, currency, capture=True, **more)['id']}/confirm")

    def pay_out(self, **more: Any) -> dict[str, Any]:
        """A payout, of money that was taken before."""
        asked = {**PAYOUT, **more}
        self.paid(asked["amount"], asked["currency"])
        return self.made(PAYOUTS, asked)

    def subscribe(self, url: str, *events: str) -> dict[str, Any]:
        return self.made(
            ENDPOINTS, {"tenant_type": "merchant", "tenant_id": "1", "url": url, "events": list(events or ("*",))}
        )


def code(answer: requests.Response) -> tuple[int, str]:
    """Status and error code, for tables."""
    return answer.status_code, answer.json()["error"]["code"]
