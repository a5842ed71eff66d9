"""Webhook endpoints over the API."""

from __future__ import annotations

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import ENDPOINTS, Api, code
from tests.support.sandbox_receiver import Receiver


def test_the_secret_is_shown_once(api: Api, receiver: Receiver) -> None:
    endpoint = api.subscribe(receiver.url)
    assert endpoint["secret"].startswith("whsec_")
    listed = api.get(ENDPOINTS, tenant_type="merchant", tenant_id="1").json()["data"]
    assert [(e["id"], "secret" in e) for e in listed] == [(endpoint["id"], False)]
    assert api.get(ENDPOINTS, tenant_id="2").json()["data"] == []


def test_a_deleted_endpoint_is_not_rotated(api: Api) -> None:
    endpoint = api.subscribe("http://127.0.0.1:9/hook")
    api.delete(f"{ENDPOINTS}/{endpoint['id']}")
    assert code(api.post(f"{ENDPOINTS}/{endpoint['id']}/rotate")) == (404, "resource_missing")


def test_webhooks_go_by_http_to_this_machine_and_to_hosts_that_were_named() -> None:
    hook = {"tenant_type": "merchant", "tenant_id": "1", "events": ["*"]}
    with Sandbox(webhook_hosts=["app"]) as sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        urls = ("http://app:8000/hook", "http://other:8000/hook", "https://other/hook")
        assert [api.post(ENDPOINTS, {**hook, "url": url}).status_code for url in urls] == [201, 400, 201]
        api.close()
