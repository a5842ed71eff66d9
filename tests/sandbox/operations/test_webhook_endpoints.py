"""Webhook endpoints over the API."""

from __future__ import annotations

from tests.support.sandbox_api import ENDPOINTS, Api
from tests.support.sandbox_receiver import Receiver


def test_the_secret_is_shown_once(api: Api, receiver: Receiver) -> None:
    endpoint = api.subscribe(receiver.url)
    assert endpoint["secret"].startswith("whsec_")
    listed = api.get(ENDPOINTS, tenant_type="merchant", tenant_id="1").json()["data"]
    assert [(e["id"], "secret" in e) for e in listed] == [(endpoint["id"], False)]
    assert api.get(ENDPOINTS, tenant_id="2").json()["data"] == []
