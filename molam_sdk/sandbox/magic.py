"""Magic values: amounts, or a metadata entry, that make the sandbox behave in a chosen way."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .problems import ApiError

METADATA_KEY = "sandbox"


@dataclass(frozen=True, slots=True)
class Magic:
    """One row of the table: `metadata={"sandbox": name}`, or `amount` in major units of any currency."""

    name: str
    amount: int
    acts_on: str
    effect: str
    decline: str = ""
    seconds: float | None = None
    status: str = ""


MAGIC = (
    Magic("card_declined", 990001, "payment", "confirm answers 402 card_declined", "card_declined"),
    Magic(
        "insufficient_funds",
        990002,
        "payment",
        "confirm answers 402 insufficient_funds",
        "insufficient_funds",
    ),
    Magic("fraud_blocked", 990003, "payment", "confirm answers 402 fraud_blocked", "fraud_blocked"),
    Magic("expired_card", 990004, "payment", "confirm answers 402 expired_card", "expired_card"),
    Magic("needs_capture", 990011, "payment", "confirm ends in requires_capture, whatever capture says"),
    Magic("stays_processing", 990012, "payment", "confirm answers processing, and so it stays"),
    Magic("succeeds_late", 990013, "payment", "confirm answers processing; settles 60 s later", seconds=60),
    Magic("fails_late", 990014, "payment", "confirm answers processing; fails 60 s later", "timed_out", 60),
    Magic(
        "disputed",
        990015,
        "payment",
        "succeeds; disputed 1 h later, the dispute is won after 24 h",
        seconds=3600,
    ),
    Magic(
        "refund_fails",
        990021,
        "refund",
        "the refund is pending and fails 60 s later",
        seconds=60,
        status="failed",
    ),
    Magic("refund_late", 990022, "refund", "the refund is pending and succeeds 60 s later", seconds=60),
    Magic(
        "payout_fails",
        990031,
        "payout",
        "the payout is pending and fails 60 s later",
        seconds=60,
        status="failed",
    ),
    Magic("payout_stays_pending", 990032, "payout", "the payout is pending, and so it stays", status="pending"),
    Magic("answers_slowly", 990041, "any", "the answer takes 2 s; the same key meanwhile answers 409", seconds=2),
)
_BY_NAME = {magic.name: magic for magic in MAGIC}
_BY_AMOUNT = {magic.amount: magic for magic in MAGIC}


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Raise ApiError 400 for a magic name that does not exist, since a typo would test nothing."""
    name = metadata.get(METADATA_KEY)
    if name is not None and (not isinstance(name, str) or name not in _BY_NAME):
        known = ", ".join(_BY_NAME)
        raise ApiError(400, "parameter_invalid", f"metadata.{METADATA_KEY} must be one of {known}", "metadata")


def find(acts_on: str, metadata: Mapping[str, Any], amount: Decimal | None = None) -> Magic | None:
    """The magic that these metadata, else this amount in major units, ask for on this kind of object."""
    named = metadata.get(METADATA_KEY)
    candidates = (
        _BY_NAME.get(named) if isinstance(named, str) else None,
        None if amount is None or amount != int(amount) else _BY_AMOUNT.get(int(amount)),
    )
    return next((magic for magic in candidates if magic and magic.acts_on == acts_on), None)


def named(name: str | None) -> Magic | None:
    return _BY_NAME.get(name) if name else None
