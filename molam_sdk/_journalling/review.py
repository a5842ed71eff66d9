"""What to do about an entry whose key is too old to be asked again."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, Final

from .._core.invocation import Invocation
from .._core.lookup import Lookup
from .._core.operations import RETRIEVE_INTENT
from ..journal.entry import Entry

_COMPARED: Final = (
    "amount", "currency", "customer_id", "merchant_id", "payment_id", "beneficiary", "business_name", "url",
)  # fmt: skip
_LISTS: Final = {
    "create_payment_intent": "list_payment_intents",
    "create_refund": "list_refunds",
    "create_payout": "list_payouts",
    "create_webhook_endpoint": "list_webhook_endpoints",
}


def reading_of(lookup: Lookup, path: str) -> Invocation[Any]:
    """What reads the object that a path is about."""
    return Invocation(RETRIEVE_INTENT, path.removesuffix(lookup.suffix), None, None)


def how_to_review(entry: Entry) -> str:
    """What to compare, in one sentence."""
    first_used = datetime.fromtimestamp(entry.first_used_at, timezone.utc).isoformat(timespec="seconds")
    where = _LISTS.get(entry.operation)
    look = f"compare with {where}: {_facts_of(entry)}" if where else f"look at {entry.method} {entry.path}"
    if entry.age < 0:
        return f"first used at {first_used}, in the future by the journal's clock, so its age is unknown; {look}"
    return f"in doubt since {first_used}, too long to be asked again under its key; {look}"


def _facts_of(entry: Entry) -> str:
    try:
        body = json.loads(entry.body or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return "its body"
    facts = [f"{name} {body[name]}" for name in _COMPARED if body.get(name) is not None]
    return ", ".join(facts) or "its body"
