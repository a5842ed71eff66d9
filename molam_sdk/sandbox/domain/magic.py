"""Magic values: amounts, or a metadata entry, that make the sandbox behave in a chosen way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .refusal import RefusalError

METADATA_KEY = "sandbox"


@dataclass(frozen=True, slots=True)
class MagicValue:
    """One row of the table: `metadata={"sandbox": name}`, or `amount` in major units of any currency."""

    name: str
    amount: int
    acts_on: str
    effect: str
    decline: str = ""
    seconds: float | None = None
    status: str = ""


MAGIC = (
    MagicValue("card_declined", 990001, "payment", "confirm answers 402 card_declined", "card_declined"),
    MagicValue(
        "insufficient_funds",
        990002,
        "payment",
        "confirm answers 402 insufficient_funds",
        "insufficient_funds",
    ),
    MagicValue("fraud_blocked", 990003, "payment", "confirm answers 402 fraud_blocked", "fraud_blocked"),
    MagicValue("expired_card", 990004, "payment", "confirm answers 402 expired_card", "expired_card"),
    MagicValue("needs_capture", 990011, "payment", "confirm ends in requires_capture, whatever capture says"),
    MagicValue("stays_processing", 990012, "payment", "confirm answers processing, and so it stays"),
    MagicValue("succeeds_late", 990013, "payment", "confirm answers processing; settles 60 s later", seconds=60),
    MagicValue("fails_late", 990014, "payment", "confirm answers processing; fails 60 s later", "timed_out", 60),
    MagicValue(
        "disputed",
        990015,
        "payment",
        "succeeds; disputed 1 h later, the dispute is won after 24 h",
        seconds=3600,
    ),
    MagicValue(
        "dispute_lost",
        990016,
        "payment",
        "succeeds; disputed 1 h later, the dispute is lost after 24 h",
        seconds=3600,
    ),
    MagicValue(
        "refund_fails",
        990021,
        "refund",
        "the refund is pending and fails 60 s later",
        seconds=60,
        status="failed",
    ),
    MagicValue("refund_late", 990022, "refund", "the refund is pending and succeeds 60 s later", seconds=60),
    MagicValue(
        "payout_fails",
        990031,
        "payout",
        "the payout is pending and fails 60 s later",
        seconds=60,
        status="failed",
    ),
    MagicValue("payout_stays_pending", 990032, "payout", "the payout is pending, and so it stays", status="pending"),
    MagicValue("answers_slowly", 990041, "any", "the answer takes 2 s; the same key meanwhile answers 409", seconds=2),
)
_BY_NAME = {magic.name: magic for magic in MAGIC}
_BY_AMOUNT = {magic.amount: magic for magic in MAGIC}


def check_metadata(metadata: Mapping[str, Any], acts_on: Sequence[str]) -> None:
    """Raise RefusalError 400 for a magic name that does not exist or does not act here: it would test nothing."""
    name = metadata.get(METADATA_KEY)
    allowed = [magic.name for magic in MAGIC if magic.acts_on in (*acts_on, "any")]
    if name is not None and name not in allowed:
        known = ", ".join(allowed)
        raise RefusalError(400, "parameter_invalid", f"metadata.{METADATA_KEY} must be one of {known}", "metadata")


def find(acts_on: str, metadata: Mapping[str, Any], amount: Decimal | None = None) -> MagicValue | None:
    """The magic that these metadata, else this amount in major units, ask for on this kind of object."""
    named = metadata.get(METADATA_KEY)
    candidates = (
        _BY_NAME.get(named) if isinstance(named, str) else None,
        None if amount is None or amount != int(amount) else _BY_AMOUNT.get(int(amount)),
    )
    return next((magic for magic in candidates if magic and magic.acts_on == acts_on), None)


def of(document: Mapping[str, Any]) -> MagicValue | None:
    """The magic that a stored document was made with."""
    name = document.get("_magic")
    return _BY_NAME.get(name) if name else None
