"""The journal: what was asked under which key, written down before the first byte leaves, and what became of it.

A client keeps one where it is given ``journal=``. Here are its values, its rule, the seam of its stores, and
``MemoryJournal`` for tests; the stores that last stand in ``molam_sdk.store``.
"""

from __future__ import annotations

from .entry import Asked, End, Entry, KeptAnswer, State
from .figures import JournalFigures
from .memory import MemoryJournal
from .notes import noting
from .reconciliation import Difference, Reconciliation, ReconciliationStep
from .rules import Decision, Ruling, ruling_on
from .seam import Begun, FullJournalStore, JournalStore, Judge, UncertainWriteError, Wanted
from .undoing import inverse

__all__ = [
    "Asked",
    "Begun",
    "Decision",
    "Difference",
    "End",
    "Entry",
    "FullJournalStore",
    "JournalFigures",
    "JournalStore",
    "Judge",
    "KeptAnswer",
    "MemoryJournal",
    "Reconciliation",
    "ReconciliationStep",
    "Ruling",
    "State",
    "UncertainWriteError",
    "Wanted",
    "inverse",
    "noting",
    "ruling_on",
]
