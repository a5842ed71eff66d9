"""What a backfill looks at and what it leaves alone, with the time passed in."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from molam_sdk.models import PaymentIntent
from molam_sdk.receiver.backfill import Backfill, BackfillOptions, BackfillProgress, Since, Synthetic
from molam_sdk.receiver.occurrences import LISTED, occurrence

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
DAY = timedelta(days=1)
PAYMENTS = LISTED[0]


def plan(
    since: Since = DAY, reach: timedelta = 7 * DAY, remembers_since: datetime | None = None, resume: str | None = None
) -> Backfill:
    options = BackfillOptions(since, reach, 20.0, False, resume, None)
    remembered = None if remembers_since is None else remembers_since.timestamp()
    return Backfill(
        options, wanted=lambda event_type: event_type != "payment.created", remembers_since=remembered, now=NOW
    )


def payment(*, created: timedelta | None = None, updated: timedelta | None = None, **fields: Any) -> PaymentIntent:
    """A payment made so long ago, changed so long ago."""
    moments = {"created_at": created, "updated_at": updated}
    said = {name: NOW - ago for name, ago in moments.items() if ago is not None}
    data = {"id": "pi_1", "status": "succeeded", "amount": 5, "currency": "XOF", **said, **fields}
    return PaymentIntent.model_validate(data)


@pytest.mark.parametrize(
    ("listed", "runs"),
    [
        (payment(created=DAY / 2), True),
        (payment(created=5 * DAY, updated=DAY / 2), True),
        (payment(created=5 * DAY, updated=2 * DAY), False),
        (payment(created=5 * DAY), True),  # Molam does not say when it changed
        (payment(), True),
        (payment(created=DAY / 2, status="processing"), False),
        (payment(created=DAY / 2, status="a state of tomorrow"), False),
        (payment(created=DAY / 2, status="requires_confirmation"), False),  # nobody wants payment.created
        (payment(created=DAY / 2, id="pi\n1"), False),
    ],
)
def test_an_object_that_changed_since_has_an_event(listed: PaymentIntent, runs: bool) -> None:
    assert isinstance(plan().event_of(PAYMENTS, listed), Synthetic) is runs


@pytest.mark.parametrize(
    ("created", "past"), [(DAY / 2, False), (8 * DAY, False), (8 * DAY + DAY / 2, True), (None, False)]
)
def test_a_list_ends_at_what_was_made_too_early(created: timedelta | None, past: bool) -> None:
    assert plan().is_past(payment(created=created)) is past


@pytest.mark.parametrize(
    ("created", "updated", "found"),
    [
        (DAY / 2, None, Synthetic),
        (DAY * 3, DAY / 2, str),  # its event may have come before the store remembers: what changed since is not said
        (None, None, str),
    ],
)
def test_what_was_made_before_the_store_remembers_is_left_alone(
    created: timedelta | None, updated: timedelta | None, found: type
) -> None:
    event = plan(remembers_since=NOW - DAY).event_of(PAYMENTS, payment(created=created, updated=updated))
    assert isinstance(event, found)


def test_the_mark_names_the_list_and_the_last_object() -> None:
    walk = plan()
    [payments, refunds, _] = walk.kinds
    walk.begin(payments)
    walk.note(payment(id="pi_7"), "handled")
    assert walk.progress == BackfillProgress("payments:pi_7", 1, {"handled": 1})
    resumed = plan(resume="payments:pi_7")
    resumed.begin(payments)
    assert (resumed.starting_after, len(resumed.kinds)) == ("pi_7", 3)
    resumed.begin(refunds)
    assert resumed.starting_after is None
    assert [kind.name for kind in plan(resume="refunds:").kinds] == ["refunds", "payouts"]
    assert plan(resume="end").kinds == []


def test_the_longer_form_of_a_type_is_the_same_occurrence() -> None:
    assert occurrence("payment.intent.succeeded", "pi_1") == occurrence("payment.succeeded", "pi_1")
    assert occurrence("payment.refund.succeeded", "re_1") == "backfill:refund.succeeded:re_1"
    assert occurrence("dispute.created", "dp_1") is None
    assert occurrence("payment.succeeded", "p" * 201) is None
