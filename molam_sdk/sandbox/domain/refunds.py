"""The rules of a refund: only of a succeeded payment, together never more than its captured amount."""

from .effects import DueLater, Effect, Movement, StoredDocument
from .magic import MagicValue
from .refusal import RefusalError, state_conflict

REFUND_STATUSES = ("pending", "succeeded", "failed")


def create(
    refund: StoredDocument, intent: StoredDocument, refunded: int, disputed: int, magic: MagicValue | None
) -> Effect:
    """Give back all that is left or the amount asked for.

    `refunded` is the sum of the refunds that have not failed, `disputed` that of the disputes that were not won: the
    customer would be given that money twice.
    """
    if intent["status"] != "succeeded":
        message = f"{intent['id']} is {intent['status']}; only a succeeded payment can be refunded."
        raise state_conflict(message, "payment_id")
    left = intent["amount_captured"] - refunded - disputed
    amount = refund["amount"] or left
    if disputed and (amount > left or left == 0):
        raise RefusalError(409, "payment_disputed", "A dispute holds this money, or took it.", "payment_id")
    if amount > left or left == 0:
        raise RefusalError(422, "refund_exceeds_captured", "Refunds would exceed the captured amount.", "amount")
    pending = {**refund, "amount": amount, "status": "pending"}
    reserve = Movement("merchant_balance", "refunds_pending", amount, "refund")
    if magic:
        return Effect(
            pending, ("refund.created",), (reserve,), (DueLater("settle_refund", magic.seconds or 0),), new=True
        )
    settled = settle(pending, None)
    return Effect(settled.document, ("refund.created", *settled.events), (reserve, *settled.movements), new=True)


def settle(refund: StoredDocument, magic: MagicValue | None) -> Effect:
    if magic and magic.status == "failed":
        back = Movement("refunds_pending", "merchant_balance", refund["amount"], "refund failed")
        return Effect({**refund, "status": "failed"}, ("refund.failed",), (back,))
    paid = Movement("refunds_pending", "processor_clearing", refund["amount"], "refund paid")
    return Effect({**refund, "status": "succeeded"}, ("refund.succeeded",), (paid,))
