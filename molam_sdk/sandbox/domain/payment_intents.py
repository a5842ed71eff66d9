"""The rules of a payment intent: from requires_confirmation to succeeded, failed or canceled."""

from .effects import DueLater, Effect, Movement, StoredDocument
from .magic import MagicValue
from .refusal import RefusalError, state_conflict

PAYMENT_STATUSES = (
    "requires_confirmation",
    "processing",
    "requires_capture",
    "succeeded",
    "failed",
    "canceled",
)
# Which statuses an action may start from; anything else is a state conflict (409).
STARTS_FROM = {
    "confirm": ("requires_confirmation",),
    "capture": ("requires_capture",),
    "cancel": ("requires_confirmation", "requires_capture"),
}
DISPUTED = ("disputed", "dispute_lost")
DECLINES = {
    "card_declined": "The card was declined.",
    "insufficient_funds": "The balance does not cover the amount.",
    "fraud_blocked": "The payment was blocked as a suspected fraud.",
    "expired_card": "The card has expired.",
    "timed_out": "The customer did not approve the payment in time.",
}


def _require(intent: StoredDocument, action: str) -> None:
    if intent["status"] not in STARTS_FROM[action]:
        message = f"{intent['id']} is {intent['status']}; {action} starts from {' or '.join(STARTS_FROM[action])}."
        raise state_conflict(message)


def _held(intent: StoredDocument, why: str, release: bool = False) -> Movement:
    accounts = ("authorizations", "customer_holds") if release else ("customer_holds", "authorizations")
    return Movement(*accounts, intent["amount"], why)


def create(intent: StoredDocument) -> Effect:
    created = {**intent, "status": "requires_confirmation", "amount_captured": 0}
    return Effect(created, ("payment.created",), new=True)


def confirm(intent: StoredDocument, magic: MagicValue | None, payment_method: str | None = None) -> Effect:
    """From requires_confirmation to processing, and in the same breath to the end unless magic delays or declines."""
    _require(intent, "confirm")
    processing = {**intent, "status": "processing", **({"payment_method": payment_method} if payment_method else {})}
    if magic is None:
        return settle(processing)
    if magic.name == "stays_processing":
        return Effect(processing)
    if magic.decline and magic.seconds is None:
        return decline(processing, magic.decline)
    if magic.name in ("succeeds_late", "fails_late"):
        return Effect(processing, later=(DueLater("settle_intent", magic.seconds or 0),))
    return settle(processing, magic)


def decline(intent: StoredDocument, code: str) -> Effect:
    """The end of a payment that is not to be: one of DECLINES."""
    failed = {**intent, "status": "failed", "failure_code": code}
    return Effect(failed, ("payment.failed",), refusal=RefusalError(402, code, DECLINES[code]))


def decline_on_demand(intent: StoredDocument, code: str) -> Effect:
    """The same, asked for by a test: of a payment that is not confirmed, or still processing."""
    if intent["status"] not in ("requires_confirmation", "processing"):
        raise state_conflict(f"{intent['id']} is {intent['status']}; it can no longer be declined.")
    return decline(intent, code)


def settle_later(intent: StoredDocument, magic: MagicValue | None) -> Effect | None:
    """What time decides, unless somebody has decided before."""
    return settle(intent, magic) if intent["status"] == "processing" else None


def settle(intent: StoredDocument, magic: MagicValue | None = None) -> Effect:
    """The end of processing: failed, requires_capture with the amount held, or succeeded."""
    if magic and magic.decline:
        return decline(intent, magic.decline)
    if not intent["capture"] or (magic and magic.name == "needs_capture"):
        hold = _held(intent, "authorize")
        return Effect({**intent, "status": "requires_capture"}, ("payment.requires_capture",), (hold,))
    later = (DueLater("open_dispute", magic.seconds or 0),) if magic and magic.name in DISPUTED else ()
    return _succeed(intent, intent["amount"], (), later)


def _succeed(
    intent: StoredDocument, captured: int, before: tuple[Movement, ...], later: tuple[DueLater, ...] = ()
) -> Effect:
    paid = Movement("processor_clearing", "merchant_balance", captured, "capture")
    done = {**intent, "status": "succeeded", "amount_captured": captured}
    return Effect(done, ("payment.succeeded",), (*before, paid), later)


def capture(intent: StoredDocument, amount: int | None) -> Effect:
    """Take the held amount or a part of it; the rest of the hold is released."""
    _require(intent, "capture")
    captured = intent["amount"] if amount is None else amount
    if captured > intent["amount"]:
        raise RefusalError(422, "amount_too_large", "amount is more than was authorized", "amount")
    return _succeed(intent, captured, (_held(intent, "release", release=True),))


def cancel(intent: StoredDocument) -> Effect:
    _require(intent, "cancel")
    held = intent["status"] == "requires_capture"
    moves = (_held(intent, "release", release=True),) if held else ()
    return Effect({**intent, "status": "canceled"}, ("payment.canceled",), moves)
