"""The rules of a dispute: the captured amount is held for a day, then won."""

from .effects import DueLater, Effect, Movement, StoredDocument

DISPUTE_SECONDS = 24 * 3600.0


def begin(intent: StoredDocument) -> Effect:
    hold = Movement("merchant_balance", "disputes_held", intent["amount_captured"], "dispute")
    return Effect(intent, ("dispute.created",), (hold,), (DueLater("resolve_dispute", DISPUTE_SECONDS),))


def resolve(intent: StoredDocument) -> Effect:
    back = Movement("disputes_held", "merchant_balance", intent["amount_captured"], "dispute won")
    return Effect(intent, ("dispute.resolved",), (back,))
