"""The three example shops under real servers: each order is shipped exactly once, whatever happens to the workers."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.sandbox import Sandbox
from molam_sdk.webhooks import sign
from tests.support.tally import Tally
from tests.support.webhooks.running_shops import RECIPES, RunningShop, listening, made_endpoint, running_shop

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the workers to kill in /proc"),
]

EVENTS, DUPLICATES, SENDERS, KILLS = 400, 200, 8, 3
FIRST_ORDER = 1_000
SECRET = "whsec_of_the_big_run"


def request(port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Any:
    """Status and JSON of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        content = answer.read()
        is_json = answer.getheader("Content-Type", "").startswith("application/json")
        return answer.status, json.loads(content) if is_json else content
    finally:
        connection.close()


def payment_succeeded(order: int) -> bytes:
    payment = {"id": f"pi_{order}", "status": "succeeded", "amount": 5000, "currency": "XOF"}
    data = {**payment, "metadata": {"order": str(order)}}
    return json.dumps({"id": f"evt_{order}", "type": "payment.succeeded", "created": 1, "data": data}).encode()


def deliver_until_taken(port: int, body: bytes, attempts: Tally) -> None:
    """Send as Molam does, only more impatiently: again after 409, 5xx and no answer, until a 2xx."""
    while True:
        try:
            status, answer = request(
                port, "POST", "/webhooks/molam", body, {"Molam-Signature": sign(body, SECRET, "big")}
            )
        except (OSError, http.client.HTTPException, ValueError):
            attempts.count("no answer")
            continue
        attempts.count(answer["result"])
        if status == 200:
            return
        assert status in (409, 500), answer
        time.sleep(0.05)


def send_all(port: int, bodies: Sequence[bytes], attempts: Tally) -> list[threading.Thread]:
    threads = []
    for sender in range(SENDERS):
        share = bodies[sender::SENDERS]

        def work(share: Sequence[bytes] = share) -> None:
            for body in share:
                deliver_until_taken(port, body, attempts)

        threads.append(threading.Thread(target=work))
        threads[-1].start()
    return threads


def kill_workers(shop: RunningShop, attempts: Tally, chance: random.Random) -> int:
    """Kill a worker each time another part of the events is through; how many died."""
    killed = 0
    for part in range(1, KILLS + 1):
        while attempts["handled"] < part * EVENTS // (KILLS + 2):
            time.sleep(0.01)
        workers = shop.workers()
        os.kill(chance.choice(workers), signal.SIGKILL)
        killed += 1
    return killed


def take_a_payment(shop: RunningShop, sandbox: Sandbox, client: MolamClient) -> None:
    """An order placed, paid and shipped once, though Molam's deliveries come twice and in another order."""
    order = json.dumps({"amount": 5000, "currency": "XOF"}).encode()
    status, placed = request(shop.port, "POST", "/orders", order)
    assert status == 201
    client.confirm_payment_intent(placed["payment"])
    sandbox.webhooks.wait(30)
    for delivery in sandbox.webhooks.deliveries("payment.succeeded"):
        sandbox.webhooks.duplicate(delivery.id)
    sandbox.webhooks.wait(30)
    statuses = [delivery.status for delivery in sandbox.webhooks.deliveries()]
    assert set(statuses) == {"delivered"}
    assert len(statuses) > 2
    number = placed["order"]
    assert request(shop.port, "GET", f"/orders/{number}") == (200, {"order": number, "paid": True, "shipments": 1})


def refuse_what_is_no_order(shop: RunningShop) -> None:
    """What a customer can get wrong is said to be that, and is no failure of the shop's."""
    amounts = ({"amount": 5000}, [], {"amount": "12.345", "currency": "XOF"}, {"amount": 5000, "currency": "XO"})
    for wrong in amounts:
        status, _ = request(shop.port, "POST", "/orders", json.dumps(wrong).encode())
        assert status in (400, 422), wrong
    assert request(shop.port, "POST", "/orders", b"{")[0] in (400, 422)
    assert request(shop.port, "GET", "/orders/999999")[0] == 404


def have_payments_fail(shop: RunningShop, sandbox: Sandbox) -> None:
    """A decline is told to the customer, a doubt is resolved under the order's own key."""
    order = json.dumps({"amount": 5000, "currency": "XOF"}).encode()
    create = {"operation": "create_payment_intent"}
    sandbox.faults.status(status=402, times=1, **create)
    status, declined = request(shop.port, "POST", "/orders", order)
    assert (status, set(declined)) == (402, {"order", "declined"})
    sandbox.faults.drop_after_commit(times=4, **create)  # every attempt of the first call, as its retries are three
    status, placed = request(shop.port, "POST", "/orders", order)
    assert (status, placed["payment"][:3]) == (201, "pi_")
    assert sandbox.ledger.executions(idempotency_key=f"order-{placed['order']}") == 1


@pytest.mark.parametrize("kind", RECIPES)
def test_each_order_is_shipped_exactly_once(kind: str) -> None:
    with Sandbox(webhook_timeout=30) as sandbox, listening() as listener:
        config = ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhooks/molam"
        with MolamClient(config) as client:
            settings = {
                "MOLAM_API_KEY": sandbox.api_key,
                "MOLAM_BASE_URL": sandbox.url,
                "MOLAM_WEBHOOK_SECRET_BIG": SECRET,
            }
            settings |= made_endpoint(kind, url, settings)
            with running_shop(kind, listener, settings) as shop:
                refuse_what_is_no_order(shop)
                have_payments_fail(shop, sandbox)
                sandbox.faults.reorder(times=1)
                sandbox.faults.duplicate(times=2)
                take_a_payment(shop, sandbox, client)
                ship_hundreds(shop)


def ship_hundreds(shop: RunningShop) -> None:
    orders = range(FIRST_ORDER, FIRST_ORDER + EVENTS)
    shop.open_orders(orders[0], orders[-1], 5000)
    chance = random.Random(7)
    events = [payment_succeeded(order) for order in orders]
    bodies = events + chance.sample(events, DUPLICATES)
    chance.shuffle(bodies)
    attempts = Tally()
    threads = send_all(shop.port, bodies, attempts)
    killed = kill_workers(shop, attempts, chance)
    for thread in threads:
        thread.join()
    shipped = {order: number for order, number in shop.shipments().items() if order >= FIRST_ORDER}
    assert shipped == dict.fromkeys(orders, 1), attempts.counts()
    assert killed == KILLS
    assert attempts["handled"] + attempts["duplicate"] == EVENTS + DUPLICATES
