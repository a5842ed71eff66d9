"""The control paths over HTTP, as a test in another process or language uses them."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, PAYOUT, PAYOUTS, Api
from tests.support.sandbox_receiver import Receiver


def control(sandbox: Sandbox, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
    return requests.request(method, f"{sandbox.url}/_sandbox{path}", json=body, params=query, timeout=10)


def test_faults_are_added_listed_and_removed(api: Api, sandbox: Sandbox) -> None:
    made = control(sandbox, "POST", "/faults", {"kind": "status", "status": 502, "operation": "list_payouts"})
    assert (made.status_code, made.json()["kind"]) == (201, "status")
    assert (api.get(PAYOUTS).status_code, api.get(INTENTS).status_code) == (502, 200)
    (listed,) = control(sandbox, "GET", "/faults").json()["data"]
    assert (listed["id"], listed["fired"]) == (made.json()["id"], 1)
    assert control(sandbox, "DELETE", f"/faults/{listed['id']}").status_code == 204
    assert control(sandbox, "DELETE", f"/faults/{listed['id']}").status_code == 404
    control(sandbox, "POST", "/faults", {"kind": "drop_before"})
    assert control(sandbox, "DELETE", "/faults").status_code == 204
    assert api.get(PAYOUTS).status_code == 200


def test_the_clock_is_read_and_moved(api: Api, sandbox: Sandbox) -> None:
    payout = api.made(PAYOUTS, PAYOUT)
    assert control(sandbox, "POST", "/clock/advance", {"hours": 25}).json()["offset_seconds"] == pytest.approx(
        90_000, abs=1
    )
    assert control(sandbox, "GET", "/clock").json()["now"] > payout["created_at"]
    assert api.get(f"{PAYOUTS}/{payout['id']}").json()["status"] == "completed"


def test_the_ledger_is_read_by_order_and_by_key(api: Api, sandbox: Sandbox) -> None:
    api.post(INTENTS, {"amount": 1, "currency": "USD", "metadata": {"order_id": "A1"}}, key="k1")
    paid = api.paid(metadata={"order_id": "A2"})
    whole = control(sandbox, "GET", "/ledger").json()
    assert (whole["balanced"], whole["discrepancies"], len(whole["entries"])) == (True, [], 2)
    assert "executions" not in whole
    assert control(sandbox, "GET", "/ledger", idempotency_key="k1").json()["executions"] == 1
    of_order = control(sandbox, "GET", "/ledger", order="A2").json()
    assert (of_order["executions"], {e["object_id"] for e in of_order["entries"]}) == (1, {paid["id"]})
    confirms = control(sandbox, "GET", "/ledger", order="A2", operation="confirm_payment_intent").json()
    assert confirms["executions"] == 1
    assert [row["operation"] for row in control(sandbox, "GET", "/audit", limit=1).json()["data"]] == [
        "confirm_payment_intent"
    ]


def test_events_and_deliveries_are_watched_triggered_and_sent_again(
    api: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    api.subscribe(receiver.url)
    event_id = control(sandbox, "POST", "/events", {"type": "payout.paid", "data": {"id": "po_1"}}).json()["id"]
    assert control(sandbox, "POST", "/webhooks/wait", {}).status_code == 204
    listed = control(sandbox, "GET", "/events", type="payout.paid").json()
    assert ([event["id"] for event in listed["data"]], listed["latest"]) == ([event_id], 1)
    assert control(sandbox, "GET", "/events", after=1).json()["data"] == []
    (delivery,) = control(sandbox, "GET", "/deliveries", status="delivered").json()["data"]
    assert control(sandbox, "POST", f"/deliveries/{delivery['id']}/redeliver", {}).status_code == 202
    assert control(sandbox, "POST", f"/deliveries/{delivery['id']}/duplicate", {}).status_code == 202
    assert control(sandbox, "POST", "/deliveries/dlv_nope/redeliver", {}).status_code == 404
    control(sandbox, "POST", "/webhooks/wait", {})
    assert len(receiver.arrivals) == 3
