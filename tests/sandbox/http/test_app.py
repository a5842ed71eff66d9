"""A failure of the sandbox itself."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, Api


def test_a_failure_of_the_sandbox_itself_is_a_500_in_its_error_shape_and_is_not_stored(
    api: Api, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with sandbox._store.transaction() as tx:
        tx.connection.execute(text("ALTER TABLE events RENAME TO away"))
    answer = api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="k1")
    with sandbox._store.transaction() as tx:
        tx.connection.execute(text("ALTER TABLE away RENAME TO events"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="k1").status_code == 201
    assert sandbox.ledger.executions(idempotency_key="k1") == 1
