"""What happened to which object: by this a synthetic event and Molam's own are known to tell of the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..webhooks import WebhookEvent, canonical_type

_LONGEST_OBJECT_ID: Final = 200


@dataclass(frozen=True, slots=True)
class ListedKind:
    """A kind of object that Molam lists: by which operation, and which event tells of each of its states."""

    name: str
    operation: str
    event_types: Mapping[str, str]


LISTED: Final = (
    ListedKind("payments", "list_payment_intents", {
        "requires_confirmation": "payment.created",
        "requires_capture": "payment.requires_capture",
        "succeeded": "payment.succeeded",
        "failed": "payment.failed",
        "canceled": "payment.canceled",
    }),
    ListedKind("refunds", "list_refunds", {
        "pending": "refund.created",
        "succeeded": "refund.succeeded",
        "failed": "refund.failed",
    }),
    ListedKind("payouts", "list_payouts", {
        "pending": "payout.created",
        "completed": "payout.paid",
        "failed": "payout.failed",
    }),
)  # fmt: skip
"""No state comes twice to one object (docs/contract.md), so each of these events happens once to it."""

_ONCE: Final = frozenset(event_type for kind in LISTED for event_type in kind.event_types.values())


def occurrence_of(event: WebhookEvent) -> str | None:
    """The name of what an event tells of, which is the id of a synthetic event; None where it may happen again."""
    return None if event.object_id is None else occurrence(event.type, event.object_id)


def occurrence(event_type: str, object_id: str) -> str | None:
    """The same for a type, in its short form or the longer one, and an object."""
    name = canonical_type(event_type)
    if name not in _ONCE or len(object_id) > _LONGEST_OBJECT_ID or not object_id.isprintable():
        return None
    return f"backfill:{name}:{object_id}"
