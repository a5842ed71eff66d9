"""What a call may leave behind: its outcome, the request it sent, a doubt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

PUBLIC_MODULE: Final = "molam_sdk.exceptions"
"""Where merchants import these from, and the path that pickles name."""

Outcome = Literal["not_sent", "rejected", "unknown", "accepted"]


@dataclass(frozen=True, slots=True)
class SentRequest:
    """What a failed call asked for, so that ``client.resolve(error)`` can ask the very same again.

    ``body`` holds the exact bytes and may hold personal data; it is left out of the repr.
    """

    __module__ = PUBLIC_MODULE

    operation: str
    method: str
    path: str
    body: bytes | None = field(repr=False)
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A call whose end is not known: what ``client.in_doubt()`` lists, and ``client.resolve`` takes.

    ``first_used_at``: when its idempotency key was first used, a Unix time in seconds. ``account``: a fingerprint.
    """

    __module__ = PUBLIC_MODULE

    outcome: Outcome
    request: SentRequest
    first_used_at: float
    account: str | None
    base_url: str | None

    @property
    def idempotency_key(self) -> str | None:
        """The key to ask again under: ``client.resolve(doubt.idempotency_key)``."""
        return self.request.idempotency_key
