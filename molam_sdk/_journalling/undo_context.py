"""The undo whose block is running here, by the journal that it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

_open: Final[ContextVar[Any]] = ContextVar("molam_undo", default=None)


def undo_here(calls: object) -> Any:
    """The undo that a call through this journal is a step of; None outside of a block."""
    undo = _open.get()
    return undo if undo is not None and undo.calls is calls else None


def open_undo(undo: object | None) -> Any:
    """Have calls from here on be steps of this undo; the one before."""
    before = _open.get()
    _open.set(undo)
    return before


@contextmanager
def outside_of_undo() -> Iterator[None]:
    """Calls in here are steps of no undo."""
    before = open_undo(None)
    try:
        yield
    finally:
        open_undo(before)
