"""The rules of a refund: only of a succeeded payment, together never more than its captured amount."""

from .effects import DueLater, Effect, Movement, StoredDocument
from .magic import MagicValue
from .refusal import RefusalError, state_conflict

REFUND_STATUSES = ("pending", "succeeded", "failed")


def create(refund: StoredDocument, intent: StoredDocument, refunded: int, magic: MagicValue | None) -> Effect:
    """Give back all that is left or the amount asked for; `refunded` is the sum of the refunds that have not failed."""
    if intent["status"] != "succeeded":
        message = f"{intent['id']} is {intent['status']}; only a succeeded payment can be refunded."
        raise state_conflict(message, "payment_id")
    left = intent["amount_captured"] - refunded
    amount = refund["amount"] or left
    if amount > left or left == 0:
        raise RefusalError(422, "refund_exceeds_captured", "Refunds would exceed the captured amount.", "amount")
    pending = {**refund, "amount": amount, "status": "pending"}
    reserve = Movement("merchant_balance", "refunds_pending", amount, "refund")
    if magic:
        return Effect(pending, ("refund.created",), (reserve,), (DueLater("settle_refund", magic.seconds or 0),))
    settled = settle(pending, None)
    return Effect(settled.document, ("refund.created", *settled.events), (reserve, *settled.movements))


def settle(refund: StoredDocument, magic: MagicValue | None) -> Effect:
    if magic and magic.status == "failed":
        back = Movement("refunds_pending", "merchant_balance", refund["amount"], "refund failed")
        return Effect({**refund, "status": "failed"}, ("refund.failed",), (back,))
    paid = Movement("refunds_pending", "processor_clearing", refund["amount"], "refund paid")
    return Effect({**refund, "status": "succeeded"}, ("refund.succeeded",), (paid,))
