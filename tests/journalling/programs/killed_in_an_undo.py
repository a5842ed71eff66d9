"""Runs a block that fails and is undone, once per line of the SDK, each in a child that is killed with -9 at that line.

``killed_in_an_undo.py URL API_KEY JOURNAL FOLDER KIND STRIDE`` prints how many lines there were.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from typing import Any

from molam_sdk import ClientConfig, MolamAsyncClient, MolamSyncClient
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.killing import KillAt, kill_at_each_line
from tests.support.undo_shop import release, reserve

URL, KEY, JOURNAL, FOLDER, KIND, STRIDE = sys.argv[1:]
CONFIG = ClientConfig(api_key=KEY, base_url=URL)


class FailedError(Exception):
    """What the block fails with."""


def order(line: int, **more: Any) -> Any:
    return {"amount": 5, "currency": "USD", "metadata": {"order_id": f"order-{line}"}, **more}


def buy(line: int) -> None:
    if KIND == "async":
        asyncio.run(buy_awaited(line))
        return
    client = MolamSyncClient(CONFIG, journal=JOURNAL)
    KillAt(line).watch()
    with contextlib.suppress(FailedError), client.undo() as undo:
        undo.add(release, FOLDER, f"order-{line}")
        reserve(FOLDER, f"order-{line}")
        intent = client.create_payment_intent(order(line, capture=line % 2 == 0))
        client.confirm_payment_intent(intent.id)
        client.create_payment_intent(order(line))
        raise FailedError
    sys.settrace(None)


async def buy_awaited(line: int) -> None:
    client = MolamAsyncClient(CONFIG, journal=JOURNAL)
    KillAt(line).watch()
    with contextlib.suppress(FailedError):
        async with client.undo() as undo:
            await undo.add(release, FOLDER, f"order-{line}")
            reserve(FOLDER, f"order-{line}")
            intent = await client.create_payment_intent(order(line, capture=line % 2 == 0))
            await client.confirm_payment_intent(intent.id)
            await client.create_payment_intent(order(line))
            raise FailedError
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    await client.close()


def warm_up() -> None:
    """Load and build here what every child would have to."""
    transport = ScriptedTransport(reply(200, order(0) | {"id": "pi_0", "status": "succeeded"}))
    with MolamSyncClient(CONFIG, transport=transport, journal=JOURNAL) as client, client.undo():
        client.create_payment_intent(order(0), idempotency_key="warm")


warm_up()
print(kill_at_each_line(buy, int(STRIDE)))
