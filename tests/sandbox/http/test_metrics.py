"""The sandbox's own figures."""

from __future__ import annotations

import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, Api


def test_metrics_count_by_operation_and_status(api: Api, sandbox: Sandbox) -> None:
    api.intent()
    api.post(INTENTS)
    page = requests.get(sandbox.url + "/metrics", timeout=30).text
    for status in ("2xx", "4xx"):
        assert f'molam_sandbox_requests_total{{operation="create_payment_intent",status="{status}"}} 1.0' in page
