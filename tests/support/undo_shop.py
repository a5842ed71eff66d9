"""A shop's own step and its inverse, for blocks that are undone: a file that says so."""

from __future__ import annotations

from pathlib import Path

from molam_sdk.journal import inverse


def reserve(folder: str, order: str) -> None:
    """The step."""
    (Path(folder) / order).touch()


@inverse
def release(folder: str, order: str) -> None:
    """Its inverse: also where the step was never made, and twice."""
    (Path(folder) / order).unlink(missing_ok=True)
