"""The jobs a rule leaves for later, by name: what each decides when the clock gets there."""

from collections.abc import Callable

from . import disputes, magic, payment_intents, payouts, refunds
from .clock import iso
from .effects import Effect, StoredDocument

JOBS: dict[str, Callable[[StoredDocument, float], Effect]] = {
    "settle_intent": lambda document, now: payment_intents.settle(document, magic.of(document)),
    "settle_refund": lambda document, now: refunds.settle(document, magic.of(document)),
    "settle_payout": lambda document, now: payouts.settle(document, magic.of(document), iso(now)),
    "open_dispute": lambda document, now: disputes.begin(document),
    "resolve_dispute": lambda document, now: disputes.resolve(document),
}
