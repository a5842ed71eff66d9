"""A worker that dies: handles one delivery, writes an order in the shared transaction, and kills itself at a point."""

from __future__ import annotations

import os
import signal
import sys

from sqlalchemy import create_engine, text

from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store import Claim
from molam_sdk.store.sql import SqlStore
from molam_sdk.webhooks import PaymentEvent
from tests.support.webhooks.deliveries import NOW, SECRETS, body_of, delivery_of


def die() -> None:
    """Nothing runs after this, no ``finally`` and no ``atexit``."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(SqlStore):
    """Dies where it has marked the event done but not committed."""

    def done(self, claim: Claim, now: float) -> bool:
        marked = super().done(claim, now)
        die()
        return marked


def main(url: str, events: str, orders: str, point: str) -> None:
    """Die in the ``handler``, at the ``mark``, or right ``after`` the commit."""
    store = (DyingStore if point == "mark" else SqlStore)(create_engine(url), table=events, clock="caller")
    receiver = WebhookReceiver(SECRETS, store, clock=lambda: NOW)

    @receiver.on("payment.succeeded")
    def fulfil(event: PaymentEvent) -> None:
        store.connection.execute(text(f"INSERT INTO {orders} VALUES ('{event.id}')"))
        if point == "handler":
            die()

    receiver.receive(*delivery_of(body_of()))
    die()


if __name__ == "__main__":
    main(*sys.argv[1:])
