"""200 greenlets through one client, made before gevent patches or after: ``greenlets.py before|after URL``."""

from __future__ import annotations

import sys
import time

from gevent import monkey

if sys.argv[1] == "before":
    monkey.patch_all()

from molam_sdk import ClientConfig, MolamError, MolamSyncClient


def api_key() -> str:
    time.sleep(0.2)
    return "sk_test_x"


client = MolamSyncClient(
    ClientConfig(api_key=api_key, base_url=sys.argv[2], bulkheads={"payments": 100}, bulkhead_wait=20, timeout_total=20)
)
if sys.argv[1] == "after":
    monkey.patch_all()

import gevent  # noqa: E402


def pay(number: int) -> str:
    try:
        return client.create_payment_intent({"amount": 5, "currency": "USD"}, idempotency_key=f"order-{number}").id
    except MolamError as error:
        return f"{type(error).__name__} {error.outcome}"


began = time.monotonic()
jobs = [gevent.spawn(pay, number) for number in range(200)]
gevent.joinall(jobs, timeout=30)
found = [job.value for job in jobs]
sys.stdout.write(f"{found.count('pi_1')} {sorted({str(value) for value in found})} {time.monotonic() - began < 15}\n")
