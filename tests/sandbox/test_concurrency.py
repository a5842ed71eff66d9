"""Many at once, and a sudden end: refunds, captures and keys stay right, no acknowledged work is lost."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, REFUNDS, Api
from tests.support.sandbox_process import Process

THREADS = 16


def together(sandbox: Sandbox, call: Callable[[Api, int], int], times: int = THREADS) -> Counter[int]:
    """The statuses of as many calls at once."""
    gate, statuses = threading.Barrier(times), Counter[int]()

    def run(n: int) -> None:
        api = Api(sandbox.url, sandbox.api_key)
        gate.wait()
        statuses[call(api, n)] += 1
        api.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def test_refunds_at_once_never_exceed_the_captured_amount(api: Api, sandbox: Sandbox) -> None:
    paid = api.paid(10)
    body = {"payment_id": paid["id"], "amount": 1.5}
    statuses = together(sandbox, lambda api, n: api.post(REFUNDS, body).status_code)
    assert statuses == {201: 6, 422: THREADS - 6}
    assert sandbox.ledger.balanced()


def test_one_of_many_captures_wins(api: Api, sandbox: Sandbox) -> None:
    intent = api.intent(10)
    api.act(intent, "confirm")
    assert together(sandbox, lambda api, n: api.act(intent, "capture").status_code) == {200: 1, 409: THREADS - 1}
    assert sandbox.ledger.balanced()


def test_capture_and_cancel_at_once_do_not_both_happen(api: Api, sandbox: Sandbox) -> None:
    intent = api.intent(10)
    api.act(intent, "confirm")
    statuses = together(sandbox, lambda api, n: api.act(intent, ("capture", "cancel")[n % 2]).status_code)
    assert statuses == {200: 1, 409: THREADS - 1}
    assert sandbox.ledger.balanced()


def test_one_key_from_many_threads_executes_once(sandbox: Sandbox) -> None:
    sandbox.faults.latency(0.05, times=3)
    body = {"amount": 1, "currency": "USD", "metadata": {"order_id": "A1"}}
    statuses = together(sandbox, lambda api, n: api.post(INTENTS, body, key="k1").status_code)
    assert set(statuses) <= {201, 409}
    assert sandbox.ledger.executions(idempotency_key="k1") == sandbox.ledger.executions(order="A1") == 1


def refund_from_elsewhere(url: str, key: str, payment_id: str, results: Any) -> None:
    """Ten refunds from a process of its own, half of them under keys that the other processes use too."""
    api = Api(url, key)
    for n in range(10):
        shared = f"shared-{n}" if n % 2 else None
        results.put(api.post(REFUNDS, {"payment_id": payment_id, "amount": 1}, key=shared).status_code)
    api.close()


def test_refunds_from_many_processes_never_exceed_the_captured_amount(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    with Sandbox(db=str(tmp_path / "molam.db")) as sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        paid, results = api.paid(12), spawn.Queue()
        arguments = (sandbox.url, sandbox.api_key, paid["id"], results)
        processes = [spawn.Process(target=refund_from_elsewhere, args=arguments) for _ in range(3)]
        for process in processes:
            process.start()
        statuses = Counter(results.get(timeout=30) for _ in range(30))
        for process in processes:
            process.join()
        refunds = api.get(REFUNDS, payment_id=paid["id"], limit=100).json()["data"]
        api.close()
        assert sum(refund["amount"] for refund in refunds) == 12
        assert set(statuses) <= {201, 409, 422}
        assert all(sandbox.ledger.executions(idempotency_key=f"shared-{n}") <= 1 for n in range(10))
        assert sandbox.ledger.balanced()


def work_until_killed(process: Process, acknowledged: dict[str, str]) -> None:
    api = process.api()
    try:
        for n in range(100_000):
            key = f"{threading.get_ident()}-{n}"
            body = {"amount": 1, "currency": "USD", "capture": True, "metadata": {"order_id": key}}
            made = api.post(INTENTS, body, key=key)
            acknowledged[key] = made.json()["id"]
            api.post(f"{INTENTS}/{made.json()['id']}/confirm", key=f"{key}-confirm")
            acknowledged[f"{key}-confirm"] = made.json()["id"]
    except requests.RequestException:
        api.close()


def test_after_kill_9_nothing_acknowledged_is_lost_and_the_books_balance(tmp_path: Path) -> None:
    path, acknowledged = str(tmp_path / "molam.db"), dict[str, str]()
    for _ in range(2):
        process = Process("--db", path)
        workers = [threading.Thread(target=work_until_killed, args=(process, acknowledged)) for _ in range(4)]
        known = len(acknowledged)
        for worker in workers:
            worker.start()
        while len(acknowledged) < known + 100:
            time.sleep(0.002)
        process.kill()
        for worker in workers:
            worker.join()
    with Sandbox(db=path) as sandbox:
        assert sandbox.ledger.discrepancies() == []
        for key in acknowledged:
            assert sandbox.ledger.executions(idempotency_key=key) == 1, key
            if not key.endswith("confirm"):
                assert sandbox.ledger.executions(order=key) == 1
        api = Api(sandbox.url, sandbox.api_key)
        confirmed = next(key for key in acknowledged if key.endswith("confirm"))
        assert api.get(f"{INTENTS}/{acknowledged[confirmed]}").json()["status"] == "succeeded"
        again = api.post(f"{INTENTS}/{acknowledged[confirmed]}/confirm", key=confirmed)
        assert again.headers["Idempotent-Replayed"] == "true"
        api.close()
