"""What a thread of ours does for its stores and databases before it ends."""

from __future__ import annotations


def let_go_here(owner: object) -> None:
    """Have it let go of what it keeps for this thread, which ends: Django's connection is the thread's, and nobody else
    closes it. Most keep nothing, and have no ``leave_thread``."""
    leave = getattr(owner, "leave_thread", None)
    if leave is not None:
        leave()
