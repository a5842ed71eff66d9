"""A receiver with a held clock, and stores that go away, for the tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry

from molam_sdk.receiver import WebhookAnswer, WebhookReceiver
from molam_sdk.store import Claim, ClaimResult, MemoryStore, Store
from molam_sdk.webhooks import WebhookEvent
from tests.support.webhooks.deliveries import NOW, SECRETS, body_of, delivery_of


class Shop:
    """A receiver whose clock is held, and the events that its function saw."""

    def __init__(self, store: Store | None = None, **options: Any) -> None:
        self.now = NOW
        self.registry = CollectorRegistry()
        self.store = MemoryStore() if store is None else store
        settings: dict[str, Any] = {"lease_seconds": 60, "registry": self.registry, **options}
        self.receiver = WebhookReceiver(SECRETS, self.store, clock=lambda: self.now, **settings)
        self.seen: list[str] = []
        self.failures = 0

    def fulfil(self, event: WebhookEvent) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the shop's database is away")
        self.seen.append(event.id)

    def deliver(self, event_id: str = "evt_1", event_type: str = "payment.succeeded", **fields: Any) -> WebhookAnswer:
        body = body_of(event_type, **{"id": event_id, **fields})
        return self.receiver.receive(*delivery_of(body, now=self.now))

    def count(self, event_type: str, result: str) -> float | None:
        labels = {"type": event_type, "result": result}
        return self.registry.get_sample_value("molam_sdk_webhook_events_total", labels)


def told(answer: WebhookAnswer) -> tuple[int, str]:
    assert json.loads(answer.body)["result"] == answer.result
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status, answer.result


class BrokenStore(MemoryStore):
    """A store that goes away at one of its steps."""

    def __init__(self, *broken: str) -> None:
        super().__init__()
        self.broken = broken

    def _break(self, step: str) -> None:
        if step in self.broken:
            raise OSError(f"no {step}")

    def claim(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        self._break("claim")
        return super().claim(claim, now, lease_until)

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        self._break("renew")
        return super().renew(claim, lease_until, finished)

    def done(self, claim: Claim, now: float) -> bool:
        self._break("done")
        return super().done(claim, now)

    def prune(self, before: float) -> int:
        self._break("prune")
        return super().prune(before)
