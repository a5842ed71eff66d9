"""A merchant that notes nothing, `python -m tests.chaos.journal.shop SETTINGS`: its journal says what was called."""

from __future__ import annotations

import json
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from molam_sdk import ClientConfig, JournalError, MolamError, MolamSyncClient
from molam_sdk.exceptions import ConfigurationError
from molam_sdk.journal import Entry

_MADE, _CONFIRMED = "create_payment_intent", "confirm_payment_intent"
_CALLED = ("open", "review", "done")
_BETWEEN_RECOVERIES = 8
"""Orders for each thread, then what is in doubt is recovered."""


@dataclass(frozen=True)
class ShopSettings:
    """What a shop is told on its command line: the orders from ``first`` to before ``last``."""

    url: str
    api_key: str
    journal: str
    first: int
    last: int
    width: int

    def client(self) -> MolamSyncClient:
        """Its patience is short, so that the run is."""
        config = ClientConfig(api_key=self.api_key, base_url=self.url, timeout_connect=1, timeout_read=0.3,
                              timeout_total=1.5, max_retries=2, retry_backoff_factor=0.01)  # fmt: skip
        return MolamSyncClient(config, journal=self.journal, cb_fail_max=4, cb_reset_timeout=0.2)


class Known:
    """What the journal says of the orders; read whole once in each life, since then only what was in doubt."""

    def __init__(self, client: MolamSyncClient) -> None:
        self._client = client
        self.intents: dict[str, str | None] = {}
        self.confirmed: dict[str, str] = {}
        self._in_doubt: dict[str, str] = {}  # the keys, and the orders that they belong to
        for entry in client.journal.list():
            self.take_in(entry)

    def take_in(self, entry: Entry) -> None:
        """What became of a call."""
        if entry.operation == _MADE and entry.state in _CALLED:
            order = json.loads(entry.body or b"{}")["metadata"]["order_id"]
            self.intents[order] = entry.object_id if entry.state == "done" else None
            if entry.state != "done":
                self._in_doubt[entry.key] = order
        elif entry.operation == _CONFIRMED and entry.object_id is not None and entry.state != "free":
            self.confirmed[entry.object_id] = entry.state
            if entry.state == "open":
                self._in_doubt[entry.key] = entry.object_id

    def doubt(self, key: str | None, name: str) -> None:
        """A call of this life ended in an error: its entry says more. ``name``: of the order or of the payment."""
        if key is None:
            self._forget(name)
        else:
            self._in_doubt[key] = name

    def look_again(self) -> None:
        """Whoever has recovered what was in doubt, the journal says how it ended."""
        for key, name in tuple(self._in_doubt.items()):
            entry = self._client.journal.get(key)
            if entry is not None and entry.state == "open":
                continue
            del self._in_doubt[key]
            if entry is None or entry.state == "free":  # nothing was done: under another key, once more
                self._forget(name)
            else:
                self.take_in(entry)

    def _forget(self, name: str) -> None:
        (self.confirmed if name.startswith("pi_") else self.intents).pop(name, None)

    def is_complete(self, order: str) -> bool:
        """Whether it was made and confirmed, or declined."""
        intent = self.intents.get(order)
        return intent is not None and self.confirmed.get(intent) in ("done", "refused")


class Shop:
    """Rounds of calls under keys that the client makes, until the journal says that every order is complete."""

    def __init__(self, settings: ShopSettings) -> None:
        self._settings = settings
        self._orders = [f"o{number}" for number in range(settings.first, settings.last)]

    def work(self) -> None:
        """All rounds; a database that is away is waited for."""
        while True:
            try:
                with self._settings.client() as client:
                    self._rounds(client)
            except (JournalError, ConfigurationError):
                time.sleep(0.1)
            else:
                return

    def _rounds(self, client: MolamSyncClient) -> None:
        known, width = Known(client), self._settings.width
        with ThreadPoolExecutor(width) as pool:
            while left := [order for order in self._orders if not known.is_complete(order)]:
                for first in range(0, len(left), width * _BETWEEN_RECOVERIES):
                    some = left[first : first + width * _BETWEEN_RECOVERIES]
                    list(pool.map(partial(_advance, client, known), some))
                    for _ in client.recover(per_second=1000, timeout=2):
                        pass
                    known.look_again()

    def __len__(self) -> int:
        return len(self._orders)


def payload(order: str) -> Any:
    """What is asked for; every twentieth card is declined."""
    number = int(order[1:])
    bad = {"sandbox": "card_declined"} if number % 20 == 7 else {}
    return {"amount": (1000 + number) / 100, "currency": "USD", "metadata": {"order_id": order} | bad}


def _advance(client: MolamSyncClient, known: Known, order: str) -> None:
    """The next call of an order that no call is in doubt of; what becomes of it is for the journal to know."""
    intent = order
    try:
        if order not in known.intents:
            known.intents[order] = None
            known.intents[order] = client.create_payment_intent(payload(order)).id
        made = known.intents[order]
        if made is not None and made not in known.confirmed:
            intent, known.confirmed[made] = made, "open"
            client.confirm_payment_intent(made)
            known.confirmed[made] = "done"
    except MolamError as error:
        known.doubt(error.idempotency_key, intent)


def main() -> None:
    """Serve the orders of the settings that the command line holds as JSON."""
    logging.getLogger("molam_sdk").setLevel(logging.CRITICAL + 1)
    Shop(ShopSettings(**json.loads(sys.argv[1]))).work()


if __name__ == "__main__":
    main()
