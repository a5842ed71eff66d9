"""The control paths over HTTP, as a test in another process or language uses them."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, PAYOUTS, Api
from tests.support.sandbox_receiver import Receiver


def control(sandbox: Sandbox, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
    return requests.request(method, f"{sandbox.url}/_sandbox{path}", json=body, params=query, timeout=30)


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
    payout = api.pay_out()
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


def test_an_advance_tells_on_the_way_what_is_left(sandbox: Sandbox) -> None:
    for _ in range(3):
        sandbox.webhooks.trigger("payment.succeeded")
    headers = {"Accept": "application/x-ndjson"}
    url = f"{sandbox.url}/_sandbox/clock/advance"
    lines = requests.post(url, json={"hours": 25}, headers=headers, timeout=20).text.splitlines()
    told = [json.loads(line) for line in lines]
    left = [line["left_seconds"] for line in told[:-1]]
    assert left == sorted(left, reverse=True)
    assert (left[-1], told[-1]["offset_seconds"]) == (0, pytest.approx(90_000, abs=1))


def test_waiting_for_what_does_not_end_is_504(api: Api, sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api.subscribe(f"http://127.0.0.1:{silent.getsockname()[1]}/hook")
        api.intent()
        answer = control(sandbox, "POST", "/webhooks/wait", {"timeout": 0.1})
    assert (answer.status_code, "under way" in answer.json()["error"]["message"]) == (504, True)
    assert control(sandbox, "POST", "/webhooks/wait", {"timeout": "long"}).status_code == 400


def test_keys_are_made_listed_and_revoked(sandbox: Sandbox) -> None:
    made = control(sandbox, "POST", "/keys", {"scopes": ["payments:read"], "account": "a", "expires_in": 60}).json()
    reader = Api(sandbox.url, made["secret"])
    assert [reader.get(path).status_code for path in (INTENTS, PAYOUTS)] == [200, 403]
    listed = control(sandbox, "GET", "/keys").json()["data"][-1]
    assert (listed["id"], listed["scopes"], "secret" in listed) == (made["id"], ["payments:read"], False)
    assert control(sandbox, "DELETE", f"/keys/{made['id']}").status_code == 204
    assert reader.get(INTENTS).status_code == 401
    assert control(sandbox, "POST", "/keys", {"scopes": ["everything"]}).status_code == 400
    reader.close()


def test_payments_are_looked_at_declined_and_disputed(api: Api, sandbox: Sandbox) -> None:
    paid, waiting = api.paid(), api.intent()
    listed = control(sandbox, "GET", "/payments", limit=1).json()
    assert ([one["id"] for one in listed["data"]], listed["has_more"]) == ([waiting["id"]], True)
    assert control(sandbox, "POST", f"/payments/{waiting['id']}/decline", {}).json()["status"] == "failed"
    dispute = control(sandbox, "POST", f"/payments/{paid['id']}/dispute", {"reason": "duplicate"}).json()
    assert control(sandbox, "POST", f"/disputes/{dispute['id']}", {"status": "lost"}).json()["status"] == "lost"
    assert [one["status"] for one in control(sandbox, "GET", f"/payments/{paid['id']}").json()["disputes"]] == ["lost"]
    assert control(sandbox, "GET", "/payments/pi_nope").status_code == 404
    assert control(sandbox, "POST", f"/payments/{paid['id']}/decline", {}).status_code == 400


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
