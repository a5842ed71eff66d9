"""Deliveries as the console shows them, over HTTP."""

from __future__ import annotations

from typing import Any

import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import Api
from tests.support.sandbox_receiver import Receiver


def asked(sandbox: Sandbox, path: str, body: Any = None, **query: Any) -> requests.Response:
    method = "GET" if body is None else "POST"
    return requests.request(method, f"{sandbox.url}/_sandbox{path}", json=body, params=query, timeout=10)


def test_deliveries_are_paged_found_and_shown_whole(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [500]
    paid = api.paid()
    sandbox.webhooks.wait()
    first = asked(sandbox, "/inbox", limit=1).json()
    rest = asked(sandbox, "/inbox", before=first["data"][0]["seq"]).json()
    assert [one["event_type"] for one in first["data"] + rest["data"]] == ["payment.succeeded", "payment.created"]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert len(asked(sandbox, "/inbox", search=paid["id"]).json()["data"]) == 2
    assert [one["event_type"] for one in asked(sandbox, "/inbox", search="payment.c").json()["data"]] == [
        "payment.created"
    ]
    one = asked(sandbox, f"/deliveries/{rest['data'][0]['id']}").json()
    assert (one["status"], one["tries"], one["endpoint"]["url"]) == ("pending", 1, receiver.url)
    assert "_secrets" not in one["endpoint"]
    assert one["attempts"][0]["body"] == one["body"] == receiver.arrivals[0].payload.decode()
    assert asked(sandbox, "/deliveries/dlv_nope").status_code == 404


def test_a_signature_is_explained(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    secret = api.subscribe(receiver.url)["secret"]
    other = api.subscribe(f"{receiver.url}/other", "payout.paid")["secret"]
    api.intent()
    sandbox.webhooks.wait()
    (delivery,) = sandbox.webhooks.deliveries()
    path = f"/deliveries/{delivery.id}/explain"
    for given, told in (
        ({"secret": secret}, "holds"),
        ({"secret": other}, "another webhook"),
        ({"body": "{}"}, "not what"),
    ):
        assert told in asked(sandbox, path, given).json()["findings"][0]
    assert asked(sandbox, path, {"secret": 5}).status_code == 400
