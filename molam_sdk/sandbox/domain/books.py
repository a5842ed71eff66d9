"""What the ledger must hold of a document, by its kind and state: the rule that the books are judged by.

Written beside the movements and not from them, so that a movement left out or made twice is seen.
"""

from typing import NamedTuple

from .payment_intents import PAYMENT_STATUSES


class Booked(NamedTuple):
    """The facts of a document that its postings depend on; amounts in minor units."""

    kind: str
    status: str
    amount: int
    captured: int


# Per kind and state: the ledger account that is debited in the end and the one that is credited; None is nothing.
_IN_FORCE: dict[tuple[str, str], tuple[str, str] | None] = {
    **{("payment_intent", status): None for status in PAYMENT_STATUSES},
    ("payment_intent", "requires_capture"): ("customer_holds", "authorizations"),
    ("payment_intent", "succeeded"): ("processor_clearing", "merchant_balance"),
    ("refund", "pending"): ("merchant_balance", "refunds_pending"),
    ("refund", "succeeded"): ("merchant_balance", "processor_clearing"),
    ("refund", "failed"): None,
    ("payout", "pending"): ("merchant_balance", "payouts_pending"),
    ("payout", "completed"): ("merchant_balance", "bank"),
    ("payout", "failed"): None,
    ("dispute", "open"): ("merchant_balance", "disputes_held"),
    ("dispute", "won"): None,
    ("dispute", "lost"): ("merchant_balance", "processor_clearing"),
}
MONEY_KINDS = ("payment_intent", "refund", "payout", "dispute")


def expected(booked: Booked) -> dict[str, int]:
    """What each ledger account must hold of the document: a debit positive, a credit negative, nothing left out."""
    sides = _IN_FORCE[booked.kind, booked.status]
    if sides is None:
        return {}
    amount = booked.captured if (booked.kind, booked.status) == ("payment_intent", "succeeded") else booked.amount
    return {sides[0]: amount, sides[1]: -amount}
