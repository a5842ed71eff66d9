"""What an observer may add to a request, and what it may not touch."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from molam_sdk.testing import ScriptedTransport, reply
from molam_sdk.types import CallRecord, CallStart
from tests.support.caller import Caller

INTENT = {"id": "pi_1", "status": "succeeded", "amount": 1, "currency": "USD"}


class Adding:
    def __init__(self, fields: Any) -> None:
        self.fields = fields

    def call_started(self, start: CallStart) -> Any:
        return self.fields

    def call_ended(self, record: CallRecord) -> None: ...


def _sent(caller: Caller, fields: Any) -> dict[str, str]:
    transport = ScriptedTransport(reply(201, INTENT))
    caller.make(transport=transport, observers=[Adding(fields)])
    caller.call("create_payment_intent", {"amount": 1, "currency": "USD"}, idempotency_key="order-7")
    return transport.requests[0].headers


@pytest.mark.parametrize(
    "name",
    "Authorization authorization Idempotency-Key IDEMPOTENCY-KEY Host Content-Length Transfer-Encoding Content-Type "
    "Connection Expect ACCEPT-ENCODING".split(),
)
def test_no_observer_changes_whose_call_it_is_or_how_it_is_framed(
    caller: Caller, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        sent = _sent(caller, {name: "5", "traceparent": "00-1-1-01"})
    assert "5" not in sent.values()
    assert (sent["Idempotency-Key"], sent["Authorization"]) == ("order-7", "Bearer sk_test_caller")
    assert sent["traceparent"] == "00-1-1-01"
    assert f"observer Adding may not set the header {name}" in [record.message for record in caplog.records]


@pytest.mark.parametrize("fields", [{"X-A": "a\r\nX-B: b"}, {"X-A\r\nX-B": "b"}, {"": "x"}, {"X-A": "é"}])
def test_a_field_that_no_request_can_hold_is_left_out_and_the_payment_goes_on(caller: Caller, fields: Any) -> None:
    assert not {name for name in _sent(caller, fields) if name.upper().startswith(("X-", "\r")) or not name}


@pytest.mark.parametrize("fields", [{7: "x"}, {"X-A": 7}, ["X-A"], 7, None, {}])
def test_an_observer_that_answers_nonsense_does_not_stop_the_payment(caller: Caller, fields: Any) -> None:
    assert _sent(caller, fields)["Idempotency-Key"] == "order-7"
