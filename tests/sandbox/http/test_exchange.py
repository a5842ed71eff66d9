"""One record per request, and no secret in it."""

from __future__ import annotations

import logging

import pytest

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, Api


def test_each_request_is_one_structured_record_without_secrets(
    api: Api, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "molam_sdk.sandbox"):
        answer = api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="k1")
    (record,) = [record for record in caplog.records if record.name == "molam_sdk.sandbox"]
    facts = record.__dict__
    assert facts["request_id"] == answer.headers["X-Molam-Request-Id"]
    assert (facts["operation"], facts["status"], facts["idempotency_key"]) == ("create_payment_intent", 201, "k1")
    assert sandbox.api_key not in str(facts)
