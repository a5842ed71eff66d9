"""Pays from threads, greenlets and forked children through one client with a journal.

``pays_from_everywhere.py URL API_KEY JOURNAL KIND``: every worker pays orders of its own, and all of them one together.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

URL, KEY, JOURNAL, KIND = sys.argv[1:]
if KIND == "greenlets":
    from gevent import monkey

    monkey.patch_all()

from molam_sdk import ClientConfig, MolamSyncClient  # noqa: E402 - after the patching

WORKERS, ORDERS = 8, 5
client = MolamSyncClient(ClientConfig(api_key=KEY, base_url=URL), journal=JOURNAL)


def pay(key: str) -> Any:
    return client.create_payment_intent({"amount": 5, "currency": "USD"}, idempotency_key=key)


def work(worker: int) -> None:
    for number in range(ORDERS):
        pay(f"order-{worker}-{number}")
        pay(f"together-{number}")


def in_threads() -> None:
    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_children() -> None:
    children = []
    for worker in range(WORKERS):
        child = os.fork()
        if child == 0:
            work(worker)
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0


pay("first")
if KIND == "children":
    in_children()
else:
    in_threads()
client.close()
