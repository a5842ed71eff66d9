"""Why a webhook is refused, as a word that code can go by; the sentences are for people."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..exceptions import WebhookVerificationError

Refusal: TypeAlias = Literal[
    "missing_header",
    "malformed_header",
    "clock",
    "unknown_kid",
    "lookup_failed",
    "mismatch",
    "no_raw_body",
    "too_large",
    "no_event",
]
"""``WebhookVerificationError.reason``.

``clock``: the signature holds, the time is outside the tolerance. ``unknown_kid`` and ``lookup_failed``: no secret is
at hand to check with. ``mismatch``: one is, and nothing holds. ``no_event``: signed by Molam, and no event can be read.
"""


def refused(reason: Refusal, message: str) -> WebhookVerificationError:
    """The error to raise."""
    error = WebhookVerificationError(message)
    error.reason = reason
    return error
