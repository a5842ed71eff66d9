"""Serving a delivery in the caller's thread; ``awaited`` has the same files for an event loop."""

from __future__ import annotations

from .execution import Execution
from .serving import serve

__all__ = ["Execution", "serve"]
