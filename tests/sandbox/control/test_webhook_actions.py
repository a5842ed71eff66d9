"""What is done to webhooks over HTTP beside watching them."""

from __future__ import annotations

import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import Api


def test_an_endpoint_is_paused_and_deliveries_come_in_pages(api: Api, sandbox: Sandbox) -> None:
    endpoint = api.subscribe("http://127.0.0.1:9/hook")
    url = f"{sandbox.url}/_sandbox"
    assert requests.post(f"{url}/endpoints/{endpoint['id']}", json={"status": "paused"}, timeout=5).status_code == 204
    for _ in range(3):
        api.intent()
    first = requests.get(f"{url}/deliveries", params={"limit": 2}, timeout=5).json()
    rest = requests.get(f"{url}/deliveries", params={"after": first["data"][-1]["seq"]}, timeout=5).json()
    assert ([len(page["data"]) for page in (first, rest)], first["has_more"], rest["has_more"]) == ([2, 1], True, False)
    assert {one["status"] for one in first["data"]} == {"pending"}
    assert requests.post(f"{url}/endpoints/we_nope", json={"status": "paused"}, timeout=5).status_code == 404
