"""Serving a delivery in the caller's thread; ``awaited`` has the same files for an event loop."""

from __future__ import annotations

from .backfilling import walk
from .execution import Execution
from .loop import run_coroutine
from .serving import serve

__all__ = ["Execution", "run_coroutine", "serve", "walk"]
