"""Serving a delivery on an event loop; ``blocking`` has the same files for threads."""

from __future__ import annotations

from .backfilling import walk
from .execution import Execution
from .serving import serve

__all__ = ["Execution", "serve", "walk"]
