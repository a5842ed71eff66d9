"""A synthetic event says what Molam's list said, to the digit."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from molam_sdk.models import Payout, Refund
from molam_sdk.receiver.backfill.synthetic import changed_at, synthetic_event
from molam_sdk.receiver.occurrences import LISTED

_, REFUNDS, PAYOUTS = LISTED


@pytest.mark.parametrize("amount", ["5000", "100.50", "0.01", "123456789012.345", "999999999999999"])
def test_amounts_and_unknown_fields_stay_what_they_were(amount: str) -> None:
    fields = '"id": "re_1", "payment_id": "pi_1", "currency": "KWD", "status": "succeeded", "new": [1]'
    sent = f'{{"amount": {amount}, {fields}}}'
    made = synthetic_event(REFUNDS, Refund.model_validate_json(sent))
    assert made is not None
    assert json.loads(made.body)["data"] == json.loads(sent)
    assert made.event["data"] == json.loads(sent)
    assert made.event.data.amount == Decimal(amount)
    assert made.event.synthetic


def test_it_was_created_when_the_object_came_into_its_state() -> None:
    payout = Payout.model_validate(
        {
            "id": "po_1",
            "amount": 1,
            "currency": "XOF",
            "status": "completed",
            "created_at": "2026-11-20T08:00:00Z",
            "completed_at": "2026-11-20T09:00:00Z",
            "updated_at": "no date",
        }
    )
    made = synthetic_event(PAYOUTS, payout)
    assert made is not None
    assert made.event.type == "payout.paid"
    assert made.event.created == changed_at(payout) == datetime(2026, 11, 20, 9, tzinfo=timezone.utc)
