"""Why a payment was declined, in few enough words to count by."""

from __future__ import annotations

from typing import Final

from ..exceptions import DeclinedError

# The codes of Molam's 402 (docs/contract.md). A label of a metric must not grow with what servers think of.
DECLINE_CODES: Final = ("card_declined", "insufficient_funds", "fraud_blocked", "expired_card", "timed_out")
DECLINE_REASONS: Final = (*DECLINE_CODES, "other")


def decline_reason_of(error: BaseException | None) -> str | None:
    """One of ``DECLINE_REASONS``; None unless the call was declined."""
    if not isinstance(error, DeclinedError):
        return None
    return error.code if error.code in DECLINE_CODES else "other"
