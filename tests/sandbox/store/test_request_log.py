"""The request log: every request, what was said both ways, and what it met on the way; bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, Api

GOOD = {"amount": 1, "currency": "USD", "metadata": {"order_id": "A1"}}


def listed(sandbox: Sandbox, **query: Any) -> list[dict[str, Any]]:
    answer = requests.get(f"{sandbox.url}/_sandbox/requests", params=query, timeout=5)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_every_request_is_there_with_what_became_of_it(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.drop_after_commit(key="k1", times=1)
    with pytest.raises(requests.ConnectionError):
        api.post(INTENTS, GOOD, key="k1")
    again = api.post(INTENTS, GOOD, key="k1", headers={"X-Request-ID": "mine-7", "Molam-Sandbox-Scope": "t1"})
    api.post(INTENTS, {}, key="k2")
    api.get(INTENTS)
    requests.get(sandbox.url + INTENTS, timeout=5)
    denied, read, refused, replay, lost = listed(sandbox)
    assert (lost["status"], [fault["kind"] for fault in lost["faults"]]) == (None, ["drop_after_commit"])
    assert (replay["status"], replay["replayed"], replay["client_request_id"], replay["scope"]) == (
        *(201, True, "mine-7"),
        "t1",
    )
    assert [(one["attempt"], one["attempts"]) for one in (lost, replay, refused)] == [(1, 2), (2, 2), (1, 1)]
    assert {one["object_id"] for one in (lost, replay)} == {again.json()["id"]}
    assert {one["order_id"] for one in (lost, replay)} == {"A1"}
    assert (refused["status"], refused["code"]) == (400, "parameter_missing")
    assert (read["method"], read["operation"], read["status"]) == ("GET", "list_payment_intents", 200)
    assert (denied["status"], denied["code"], denied["key_id"]) == (401, "authentication_required", None)


def test_one_is_shown_with_headers_and_bodies_and_without_the_key(api: Api, sandbox: Sandbox) -> None:
    answer = api.post(INTENTS, GOOD, key="k1")
    request_id = answer.headers["X-Molam-Request-Id"]
    one = requests.get(f"{sandbox.url}/_sandbox/requests/{request_id}", timeout=5).json()
    assert (json.loads(one["request_body"]), json.loads(one["answer_body"])) == (GOOD, answer.json())
    assert ["idempotency-key", "k1"] in json.loads(one["request_headers"])
    assert ["x-molam-request-id", request_id] in json.loads(one["answer_headers"])
    assert sandbox.api_key not in json.dumps(one)
    assert requests.get(f"{sandbox.url}/_sandbox/requests/req_nope", timeout=5).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"search": "order-1"}, ["k1"]),
        ({"search": "k"}, ["k2", "k1"]),
        ({"idempotency_key": "k2"}, ["k2"]),
        ({"status": 201, "limit": 1}, ["k2"]),
        ({"operation": "create_refund"}, []),
        ({"search": "%"}, []),
    ],
)
def test_requests_are_found(api: Api, sandbox: Sandbox, query: dict[str, Any], found: list[str]) -> None:
    for n in (1, 2):
        api.post(INTENTS, {**GOOD, "metadata": {"order_id": f"order-{n}"}}, key=f"k{n}")
    assert [one["idempotency_key"] for one in listed(sandbox, **query)] == found


def test_it_comes_in_pages_is_exported_whole_and_can_be_forgotten(api: Api, sandbox: Sandbox) -> None:
    for n in range(5):
        api.post(INTENTS, GOOD, key=f"k{n}")
    first = listed(sandbox, limit=3)
    rest = listed(sandbox, before=first[-1]["seq"])
    assert [one["idempotency_key"] for one in first + rest] == ["k4", "k3", "k2", "k1", "k0"]
    exported = requests.get(f"{sandbox.url}/_sandbox/requests?format=ndjson", timeout=5).text.splitlines()
    assert [json.loads(line)["idempotency_key"] for line in exported] == ["k0", "k1", "k2", "k3", "k4"]
    assert requests.delete(f"{sandbox.url}/_sandbox/requests", timeout=5).status_code == 204
    assert listed(sandbox) == []


def test_it_is_bounded_and_what_decides_is_not(tmp_path: Any) -> None:
    with Sandbox(log_limit=10, db=str(tmp_path / "molam.db")) as sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        for n in range(15):
            api.post(INTENTS, GOOD, key=f"k{n}")
        assert len(listed(sandbox)) == 10
        assert api.post(INTENTS, GOOD, key="k0").headers["Idempotent-Replayed"] == "true"
        assert sandbox.ledger.executions(order="A1") == 15
        api.close()
    with Sandbox(log_limit=10, db=str(tmp_path / "molam.db")) as sandbox:
        assert [one["idempotency_key"] for one in listed(sandbox, limit=2)] == ["k0", "k14"]


def test_a_long_body_is_kept_in_part(api: Api, sandbox: Sandbox) -> None:
    api.post(INTENTS, {**GOOD, "description": "x" * 100_000}, key="k1")
    (one,) = sandbox.requests.page()
    assert len(sandbox.requests.entry(one["request_id"])["request_body"]) == 16_384


def test_a_trace_is_passed_on_to_the_webhooks_that_follow(api: Api, sandbox: Sandbox) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    api.post(INTENTS, GOOD, headers={"traceparent": trace})
    api.post(INTENTS, GOOD, headers={"traceparent": "no trace"})
    assert [one["trace"] for one in listed(sandbox)] == [None, trace]
