"""What a rule decides, as values: the document as it becomes, and what moves, is told and falls due because of it.

Amounts in documents are minor units; names that begin with an underscore stay inside the sandbox.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from .refusal import RefusalError

StoredDocument: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of money: `amount` minor units from the credited to the debited ledger account."""

    debit: str
    credit: str
    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class DueLater:
    """A job (a name of domain/jobs.py) to run on the same document after so many seconds of the clock."""

    action: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule decided; a refusal is answered after the effect is written (a decline is a fact too).

    `new` says that the document has not been written before.
    """

    document: StoredDocument
    events: tuple[str, ...] = ()
    movements: tuple[Movement, ...] = ()
    later: tuple[DueLater, ...] = ()
    refusal: RefusalError | None = None
    new: bool = False
