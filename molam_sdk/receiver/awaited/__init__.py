"""Serving a delivery on an event loop; ``blocking`` has the same files for threads."""

from __future__ import annotations

from .execution import Execution, InThread
from .serving import serve

__all__ = ["Execution", "InThread", "serve"]
