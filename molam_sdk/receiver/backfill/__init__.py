"""Events that were missed, made from what the list operations say and run like those that Molam sends."""

from __future__ import annotations

from .plan import Backfill, BackfillOptions, BackfillProgress, Since
from .synthetic import Synthetic

__all__ = ["Backfill", "BackfillOptions", "BackfillProgress", "Since", "Synthetic"]
