"""Differences of each kind, planted once the shops are done: what reconcile must find, and nothing else."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from molam_sdk import ClientConfig, MolamClient, MolamError, MolamSyncClient
from molam_sdk._journalling.opening import journal_store_of
from molam_sdk.journal import Asked, End, KeptAnswer, Reconciliation
from molam_sdk.store.entries import JournalEntries

T = TypeVar("T")
_PATH = "/v1/connect/payment_intents"


class Planted:
    """``facts``: kind and object id of each. ``beside`` is somebody at the dashboard, and in no journal."""

    def __init__(self, client: MolamSyncClient, url: str, api_key: str, journal: str) -> None:
        self._client = client
        self._store = journal_store_of(journal)
        self.facts = list[tuple[str, str]]()
        with MolamClient(ClientConfig(api_key=api_key, base_url=url)) as beside:
            self._there_alone(beside)
            self._another_status(beside)
        for number in range(3):
            self._here_alone(f"pi_gone{number}")
            self._another_amount(number)
        cast("JournalEntries", self._store).close()

    def missed_by(self, report: Reconciliation) -> list[str]:
        """What the report does not say, or says too much."""
        found = [(one.kind, one.object_id) for one in report.differences]
        missed = [f"planted, and not found: {fact}" for fact in self.facts if fact not in found]
        return missed + [f"found, and not planted: {fact}" for fact in found if fact not in self.facts]

    def _there_alone(self, beside: MolamClient) -> None:
        for _ in range(3):
            self.facts.append(("only_there", beside.create_payment_intent(_order()).id))

    def _another_status(self, beside: MolamClient) -> None:
        for _ in range(3):
            make = partial(self._client.create_payment_intent, _order(), idempotency_key=uuid.uuid4().hex)
            intent = _patiently(make)
            beside.cancel_payment_intent(intent.id)
            self.facts.append(("status", intent.id))

    def _here_alone(self, object_id: str) -> None:
        body = f'{{"id":"{object_id}","status":"succeeded","amount":7,"currency":"USD"}}'.encode()
        self._end(_ended(f"gone-{object_id}", self._client.base_url, b'{"amount":7,"currency":"USD"}'), body)
        self.facts.append(("only_here", object_id))

    def _another_amount(self, number: int) -> None:
        """Molam has 7 USD, and the journal says that 8 were asked for."""
        with MolamClient(self._client.config) as unjournalled:
            make = partial(unjournalled.create_payment_intent, _order(), idempotency_key=f"amount-{number}")
            intent = _patiently(make)
        body = f'{{"id":"{intent.id}","status":"{intent.status}","amount":8,"currency":"USD"}}'.encode()
        self._end(_ended(f"amount-{number}", self._client.base_url, b'{"amount":8,"currency":"USD"}'), body)
        self.facts.append(("amount", intent.id))

    def _end(self, asked: Asked, answer: bytes) -> None:
        self._store.begin(asked, 60)
        self._store.end(asked.key, asked.token, End("done", None, "201", 1, answer=KeptAnswer(201, {}, answer)))


def _ended(key: str, base_url: str, body: bytes) -> Asked:
    return Asked(key, uuid.uuid4().hex, "create_payment_intent", "POST", _PATH, body, base_url, None)


def _patiently(call: Callable[[], T]) -> T:
    """Through a network that breaks things: again under the same key."""
    give_up = time.monotonic() + 60
    while True:
        try:
            return call()
        except MolamError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def _order() -> Any:
    """One that can be told from all others: else another's answer, which the proxy gives at times, would pass."""
    return {"amount": 7, "currency": "USD", "metadata": {"order": uuid.uuid4().hex}}
