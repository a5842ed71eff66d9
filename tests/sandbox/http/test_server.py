"""The server: it finishes what runs, and does not hold answers back."""

from __future__ import annotations

import statistics
import threading
import time

import pytest

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, Api


@pytest.mark.alone
def test_an_answer_does_not_wait_for_an_acknowledgement(api: Api) -> None:
    taken = []
    for _ in range(31):
        began = time.perf_counter()
        api.intent()
        taken.append(time.perf_counter() - began)
    # Without TCP_NODELAY on the accepted connection all but the first few take 40 ms.
    assert statistics.median(taken) < 0.035


def test_running_requests_finish_before_it_stops(sandbox: Sandbox) -> None:
    sandbox.faults.latency(30, times=1)
    api = Api(sandbox.url, sandbox.api_key)
    statuses: list[int] = []
    thread = threading.Thread(
        target=lambda: statuses.append(api.post(INTENTS, {"amount": 1, "currency": "USD"}).status_code)
    )
    thread.start()
    while not sandbox.faults.list()[0]["fired"]:
        time.sleep(0.002)
    began = time.monotonic()
    sandbox.stop()
    thread.join()
    api.close()
    assert statuses == [201]
    assert time.monotonic() - began < 15  # not the 30 s of its latency
