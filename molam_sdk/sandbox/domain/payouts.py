"""The rules of a payout: reserved at once, paid a minute later."""

from .effects import DueLater, Effect, Movement, StoredDocument
from .magic import MagicValue
from .refusal import RefusalError

PAYOUT_STATUSES = ("pending", "completed", "failed")
PAYOUT_SECONDS = 60.0


def create(payout: StoredDocument, magic: MagicValue | None, available: int | None) -> Effect:
    """Reserve the amount, of at most `available` minor units; None lets the balance fall below zero."""
    if available is not None and payout["amount"] > available:
        raise RefusalError(402, "insufficient_funds", "The balance does not cover the payout.", "amount")
    reserve = Movement("merchant_balance", "payouts_pending", payout["amount"], "payout")
    stays = magic is not None and magic.status == "pending"
    delay = magic.seconds if magic and magic.seconds is not None else PAYOUT_SECONDS
    later = () if stays else (DueLater("settle_payout", delay),)
    return Effect({**payout, "status": "pending"}, ("payout.created",), (reserve,), later, new=True)


def settle(payout: StoredDocument, magic: MagicValue | None, completed_at: str) -> Effect:
    if magic and magic.status == "failed":
        back = Movement("payouts_pending", "merchant_balance", payout["amount"], "payout failed")
        return Effect({**payout, "status": "failed"}, ("payout.failed",), (back,))
    paid = Movement("payouts_pending", "bank", payout["amount"], "payout paid")
    return Effect({**payout, "status": "completed", "completed_at": completed_at}, ("payout.paid",), (paid,))
