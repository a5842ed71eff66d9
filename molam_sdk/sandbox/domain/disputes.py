"""The rules of a dispute: what is left of a captured payment is held, then given back or taken for good."""

from .clock import iso
from .effects import DueLater, Effect, Movement, StoredDocument
from .ids import new_id
from .magic import MagicValue
from .magic import of as magic_of
from .refusal import state_conflict

DISPUTE_REASONS = ("fraudulent", "product_not_received", "duplicate", "unrecognized")
DISPUTE_SECONDS = 24 * 3600.0


def open_for(
    payment: StoredDocument, taken_back: int, now: float, reason: str = DISPUTE_REASONS[0], decided: bool = True
) -> Effect | None:
    """A dispute of what refunds and earlier disputes (`taken_back`) have left; None where nothing is.

    Where it is `decided`, it ends by itself after a day, as the magic value of the payment says.
    """
    left = payment["amount_captured"] - taken_back
    if payment["status"] != "succeeded" or left <= 0:
        return None
    dispute: StoredDocument = {
        "id": new_id("dp"),
        "payment_id": payment["id"],
        "amount": left,
        "currency": payment["currency"],
        "status": "open",
        "reason": reason,
        "metadata": {},
        "created_at": iso(now),
        "_kind": "dispute",
        "_account": payment["_account"],
        "_order": payment.get("metadata", {}).get("order_id"),
        "_magic": payment.get("_magic"),
        "_trace": payment.get("_trace"),
        "_scope": payment.get("_scope"),
    }
    hold = Movement("merchant_balance", "disputes_held", left, "dispute")
    later = (DueLater("settle_dispute", DISPUTE_SECONDS),) if decided else ()
    return Effect(dispute, ("dispute.created",), (hold,), later, new=True)


def result_of(magic: MagicValue | None) -> str:
    """How a dispute ends that nobody decides: won, unless the payment asked for a loss."""
    return "lost" if magic is not None and magic.name == "dispute_lost" else "won"


def decide(dispute: StoredDocument, status: str, now: float) -> Effect:
    """The end of an open dispute: `won` gives the money back, `lost` sends it to the customer."""
    if dispute["status"] != "open":
        raise state_conflict(f"{dispute['id']} is {dispute['status']}; only an open dispute is decided.")
    to = "merchant_balance" if status == "won" else "processor_clearing"
    moved = Movement("disputes_held", to, dispute["amount"], f"dispute {status}")
    return Effect({**dispute, "status": status, "resolved_at": iso(now)}, ("dispute.resolved",), (moved,))


def settle(dispute: StoredDocument, now: float) -> Effect | None:
    """What time decides, unless somebody has decided before."""
    return decide(dispute, result_of(magic_of(dispute)), now) if dispute["status"] == "open" else None


def resolve_of_0_1(payment: StoredDocument) -> Effect:
    """A file of 0.1.0 may hold a dispute that is no object, on the payment itself."""
    back = Movement("disputes_held", "merchant_balance", payment["amount_captured"], "dispute won")
    return Effect(payment, ("dispute.resolved",), (back,))
