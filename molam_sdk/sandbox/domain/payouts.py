"""The rules of a payout: reserved at once, paid a minute later."""

from .effects import DueLater, Effect, Movement, StoredDocument
from .magic import MagicValue

PAYOUT_STATUSES = ("pending", "completed", "failed")
PAYOUT_SECONDS = 60.0


def create(payout: StoredDocument, magic: MagicValue | None) -> Effect:
    reserve = Movement("merchant_balance", "payouts_pending", payout["amount"], "payout")
    stays = magic is not None and magic.status == "pending"
    delay = magic.seconds if magic and magic.seconds is not None else PAYOUT_SECONDS
    later = () if stays else (DueLater("settle_payout", delay),)
    return Effect({**payout, "status": "pending"}, ("payout.created",), (reserve,), later)


def settle(payout: StoredDocument, magic: MagicValue | None, completed_at: str) -> Effect:
    if magic and magic.status == "failed":
        back = Movement("payouts_pending", "merchant_balance", payout["amount"], "payout failed")
        return Effect({**payout, "status": "failed"}, ("payout.failed",), (back,))
    paid = Movement("payouts_pending", "bank", payout["amount"], "payout paid")
    return Effect({**payout, "status": "completed", "completed_at": completed_at}, ("payout.paid",), (paid,))
