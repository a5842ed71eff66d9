"""The jobs a rule leaves for later, by name: what each decides when the clock gets there."""

from collections.abc import Callable
from dataclasses import dataclass

from . import disputes, magic, payment_intents, payouts, refunds
from .clock import iso
from .effects import Effect, StoredDocument


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What a job may ask besides its document: the sandbox's unix time, and what refunds and disputes have taken."""

    now: float
    taken_back: Callable[[], int]


JOBS: dict[str, Callable[[StoredDocument, JobFacts], Effect | None]] = {
    "settle_intent": lambda document, facts: payment_intents.settle_later(document, magic.of(document)),
    "settle_refund": lambda document, facts: refunds.settle(document, magic.of(document)),
    "settle_payout": lambda document, facts: payouts.settle(document, magic.of(document), iso(facts.now)),
    "open_dispute": lambda document, facts: disputes.open_for(document, facts.taken_back(), facts.now),
    "settle_dispute": lambda document, facts: disputes.settle(document, facts.now),
    "resolve_dispute": lambda document, facts: disputes.resolve_of_0_1(document),
}
