"""Objects as an event of each type would tell of them, for events that nothing stands behind."""

from typing import Any

from .clock import iso
from .ids import new_id

_PAYMENT = {"amount": 5000, "currency": "XOF", "capture": True, "amount_captured": 0}
_PAYOUT = {
    "amount": 5000,
    "currency": "XOF",
    "beneficiary": "sample",
    "origin_module": "sandbox",
    "origin_entity": "trigger",
}
_STATUSES = {
    "payment.created": "requires_confirmation",
    "refund.created": "pending",
    "payout.created": "pending",
    "payout.paid": "completed",
    "dispute.created": "open",
    "dispute.resolved": "won",
}


def sample_of(event_type: str, now: float) -> dict[str, Any]:
    """A payment, refund, payout or dispute in the state that this event tells of; its id is nobody's."""
    resource, _, what = event_type.partition(".")
    common = {"status": _STATUSES.get(event_type, what), "metadata": {}, "created_at": iso(now)}
    if resource == "payment":
        captured = {"amount_captured": 5000} if what == "succeeded" else {}
        return {"id": new_id("pi"), **_PAYMENT, **captured, **common}
    if resource == "payout":
        done = {"completed_at": iso(now)} if what == "paid" else {}
        return {"id": new_id("po"), **_PAYOUT, **common, **done}
    taken = {"payment_id": new_id("pi"), "amount": 5000, "currency": "XOF", **common}
    if resource == "dispute":
        return {"id": new_id("dp"), **taken, "reason": "fraudulent"}
    return {"id": new_id("re"), **taken}
