"""The rules of payments, refunds and payouts: pure functions from a document to what becomes of it.

No store, no socket, no clock: a rule gets the documents it needs and says what changes, what moves in the
ledger, which events tell of it and what is due later. Amounts in documents are minor units; names that begin
with an underscore stay inside the sandbox.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from .magic import Magic
from .problems import ApiError

Document: TypeAlias = dict[str, Any]

PAYOUT_SECONDS = 60.0
DISPUTE_SECONDS = 24 * 3600.0

# Which statuses an action may start from; anything else is a state conflict (409).
STARTS_FROM = {
    "confirm": ("requires_confirmation",),
    "capture": ("requires_capture",),
    "cancel": ("requires_confirmation", "requires_capture"),
}
DECLINES = {
    "card_declined": "The card was declined.",
    "insufficient_funds": "The balance does not cover the amount.",
    "fraud_blocked": "The payment was blocked as a suspected fraud.",
    "expired_card": "The card has expired.",
    "timed_out": "The customer did not approve the payment in time.",
}


@dataclass(frozen=True, slots=True)
class Move:
    """One movement of money: `amount` minor units from the credited to the debited ledger account."""

    debit: str
    credit: str
    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class Later:
    """A rule to run on the same document after so many seconds of the clock."""

    action: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule decided; a refusal is answered after the effect is written (a decline is a fact too)."""

    document: Document
    events: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    later: tuple[Later, ...] = ()
    refusal: ApiError | None = None


def _require(intent: Document, action: str) -> None:
    if intent["status"] not in STARTS_FROM[action]:
        message = f"{intent['id']} is {intent['status']}; {action} starts from {' or '.join(STARTS_FROM[action])}."
        raise ApiError(409, "payment_intent_unexpected_state", message)


def _held(intent: Document, why: str, release: bool = False) -> Move:
    accounts = ("authorizations", "customer_holds") if release else ("customer_holds", "authorizations")
    return Move(*accounts, intent["amount"], why)


def create_intent(intent: Document) -> Effect:
    return Effect({**intent, "status": "requires_confirmation", "amount_captured": 0}, ("payment.created",))


def confirm(intent: Document, magic: Magic | None) -> Effect:
    """From requires_confirmation to processing, and in the same breath to the end unless magic delays or declines."""
    _require(intent, "confirm")
    processing = {**intent, "status": "processing"}
    if magic is None:
        return settle(processing)
    if magic.name == "stays_processing":
        return Effect(processing)
    if magic.decline and magic.seconds is None:
        return decline(processing, magic)
    if magic.name in ("succeeds_late", "fails_late"):
        return Effect(processing, later=(Later("settle_intent", magic.seconds or 0),))
    return settle(processing, magic)


def decline(intent: Document, magic: Magic) -> Effect:
    refusal = ApiError(402, magic.decline, DECLINES[magic.decline])
    failed = {**intent, "status": "failed", "failure_code": magic.decline}
    return Effect(failed, ("payment.failed",), refusal=refusal)


def settle(intent: Document, magic: Magic | None = None) -> Effect:
    """The end of processing: failed, requires_capture with the amount held, or succeeded."""
    if magic and magic.decline:
        return decline(intent, magic)
    if not intent["capture"] or (magic and magic.name == "needs_capture"):
        hold = _held(intent, "authorize")
        return Effect({**intent, "status": "requires_capture"}, ("payment.requires_capture",), (hold,))
    later = (Later("open_dispute", magic.seconds or 0),) if magic and magic.name == "disputed" else ()
    return _succeed(intent, intent["amount"], (), later)


def _succeed(intent: Document, captured: int, before: tuple[Move, ...], later: tuple[Later, ...] = ()) -> Effect:
    paid = Move("processor_clearing", "merchant_balance", captured, "capture")
    done = {**intent, "status": "succeeded", "amount_captured": captured}
    return Effect(done, ("payment.succeeded",), (*before, paid), later)


def capture(intent: Document, amount: int | None) -> Effect:
    """Take the held amount or a part of it; the rest of the hold is released."""
    _require(intent, "capture")
    captured = intent["amount"] if amount is None else amount
    if captured > intent["amount"]:
        raise ApiError(422, "amount_too_large", "amount is more than was authorized", "amount")
    return _succeed(intent, captured, (_held(intent, "release", release=True),))


def cancel(intent: Document) -> Effect:
    _require(intent, "cancel")
    held = intent["status"] == "requires_capture"
    moves = (_held(intent, "release", release=True),) if held else ()
    return Effect({**intent, "status": "canceled"}, ("payment.canceled",), moves)


def create_refund(refund: Document, intent: Document, refunded: int, magic: Magic | None) -> Effect:
    """Give back all that is left or the amount asked for; `refunded` is the sum of the refunds that have not failed."""
    if intent["status"] != "succeeded":
        message = f"{intent['id']} is {intent['status']}; only a succeeded payment can be refunded."
        raise ApiError(409, "payment_intent_unexpected_state", message, "payment_id")
    left = intent["amount_captured"] - refunded
    amount = refund["amount"] or left
    if amount > left or left == 0:
        raise ApiError(422, "refund_exceeds_captured", "Refunds would exceed the captured amount.", "amount")
    pending = {**refund, "amount": amount, "status": "pending"}
    reserve = Move("merchant_balance", "refunds_pending", amount, "refund")
    if magic:
        return Effect(pending, ("refund.created",), (reserve,), (Later("settle_refund", magic.seconds or 0),))
    settled = settle_refund(pending, None)
    return Effect(settled.document, ("refund.created", *settled.events), (reserve, *settled.moves))


def settle_refund(refund: Document, magic: Magic | None) -> Effect:
    if magic and magic.status == "failed":
        back = Move("refunds_pending", "merchant_balance", refund["amount"], "refund failed")
        return Effect({**refund, "status": "failed"}, ("refund.failed",), (back,))
    paid = Move("refunds_pending", "processor_clearing", refund["amount"], "refund paid")
    return Effect({**refund, "status": "succeeded"}, ("refund.succeeded",), (paid,))


def create_payout(payout: Document, magic: Magic | None) -> Effect:
    reserve = Move("merchant_balance", "payouts_pending", payout["amount"], "payout")
    stays = magic is not None and magic.status == "pending"
    delay = magic.seconds if magic and magic.seconds is not None else PAYOUT_SECONDS
    later = () if stays else (Later("settle_payout", delay),)
    return Effect({**payout, "status": "pending"}, ("payout.created",), (reserve,), later)


def settle_payout(payout: Document, magic: Magic | None, completed_at: str) -> Effect:
    if magic and magic.status == "failed":
        back = Move("payouts_pending", "merchant_balance", payout["amount"], "payout failed")
        return Effect({**payout, "status": "failed"}, ("payout.failed",), (back,))
    paid = Move("payouts_pending", "bank", payout["amount"], "payout paid")
    return Effect({**payout, "status": "completed", "completed_at": completed_at}, ("payout.paid",), (paid,))


def open_dispute(intent: Document) -> Effect:
    hold = Move("merchant_balance", "disputes_held", intent["amount_captured"], "dispute")
    return Effect(intent, ("dispute.created",), (hold,), (Later("resolve_dispute", DISPUTE_SECONDS),))


def resolve_dispute(intent: Document) -> Effect:
    back = Move("disputes_held", "merchant_balance", intent["amount_captured"], "dispute won")
    return Effect(intent, ("dispute.resolved",), (back,))
