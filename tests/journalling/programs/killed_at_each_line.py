"""Pays one order per line of the SDK that a payment runs, each in a child that is killed with -9 at that line.

``killed_at_each_line.py URL API_KEY JOURNAL KIND STRIDE`` prints how many lines there were.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

from molam_sdk import ClientConfig, MolamAsyncClient, MolamSyncClient
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.killing import KillAt, kill_at_each_line

URL, KEY, JOURNAL, KIND, STRIDE = sys.argv[1:]


def order(line: int) -> dict[str, Any]:
    return {"amount": 5, "currency": "USD", "metadata": {"order_id": f"order-{line}"}}


def pay(line: int) -> None:
    config = ClientConfig(api_key=KEY, base_url=URL)
    if KIND == "async":
        asyncio.run(pay_awaited(config, line))
        return
    client = MolamSyncClient(config, journal=JOURNAL)
    KillAt(line).watch()
    client.create_payment_intent(order(line), idempotency_key=f"order-{line}")
    sys.settrace(None)


async def pay_awaited(config: ClientConfig, line: int) -> None:
    client = MolamAsyncClient(config, journal=JOURNAL)
    KillAt(line).watch()
    await client.create_payment_intent(order(line), idempotency_key=f"order-{line}")
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    await client.close()


def warm_up() -> None:
    """Load and build here what every child would have to."""
    transport = ScriptedTransport(reply(200, order(0) | {"id": "pi_0", "status": "succeeded"}))
    with MolamSyncClient(ClientConfig(api_key=KEY, base_url=URL), transport=transport, journal=JOURNAL) as client:
        client.create_payment_intent(order(0), idempotency_key="warm")


warm_up()
print(kill_at_each_line(pay, int(STRIDE)))
