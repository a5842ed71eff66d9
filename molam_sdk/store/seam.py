"""The seam that every store implements; a store of the merchant's own has these five methods too."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from .claims import Claim, ClaimResult


class Store(Protocol):
    """Where claims are kept. Every method is atomic among all workers; times are Unix seconds and passed in.

    A store whose ``transactional`` is true lets handlers write in the transaction that marks the event done, so
    that both happen or neither does, even if the worker is killed in between.
    """

    transactional: bool

    def claim(self, claim: Claim, now: float, lease_until: float) -> ClaimResult:
        """Take the event until ``lease_until``, or say why not."""
        ...

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        """Keep the event until then (0 gives it back) and note what ran; False if another worker has it."""
        ...

    def done(self, claim: Claim, now: float) -> bool:
        """Mark the event handled for good, in the open transaction if there is one; False if another has it."""
        ...

    def prune(self, before: float) -> int:
        """Forget events that were last touched before then; how many went."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """The transaction in which handlers run; one that does nothing where the store has none to share."""
        ...
