"""Molam's lists against the journal: what differs, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from .._core.operations import BY_NAME
from .entry import Entry
from .naming import facts_in, object_in

DifferenceKind: TypeAlias = Literal["only_there", "only_here", "status", "amount"]
"""``only_there``: Molam has it, and the journal knows nothing of it. ``only_here``: the journal says that it was done,
and Molam does not have it. ``status``, ``amount``: both have it, and differ."""
DIFFERENCE_KINDS: Final[tuple[DifferenceKind, ...]] = ("only_there", "only_here", "status", "amount")

CREATED_BY: Final[Mapping[str, str]] = {
    "payment_intent": "create_payment_intent",
    "refund": "create_refund",
    "payout": "create_payout",
}
"""What is compared, and the operation that makes one."""
_MAY_BECOME: Final[Mapping[str, frozenset[str]]] = {
    "processing": frozenset({"requires_capture", "succeeded", "failed"}),
    "pending": frozenset({"succeeded", "completed", "failed"}),
}
"""The statuses that Molam changes by itself, and what into."""
_STEPS: Final = ("confirm_payment_intent", "capture_payment_intent", "cancel_payment_intent")
"""In this order of a payment's life after its creation, whenever the journal came to know how each ended: one whose end
could not be written is recovered after those that followed it."""
_KNOWN: Final = frozenset({
    "requires_confirmation", "processing", "requires_capture", "succeeded", "failed", "canceled", "pending",
    "completed",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One object of which Molam and the journal do not say the same. ``here``: what the journal says, ``there``: Molam.

    ``key``: the idempotency key of the entry that made it; None where there is none.
    """

    kind: DifferenceKind
    object: str
    object_id: str
    key: str | None = None
    here: str | None = None
    there: str | None = None
    created_at: datetime | None = None

    def to_dict(self) -> dict[str, str | None]:
        """Its facts as JSON takes them."""
        created_at = None if self.created_at is None else self.created_at.isoformat()
        return {
            "kind": self.kind,
            "object": self.object,
            "object_id": self.object_id,
            "key": self.key,
            "here": self.here,
            "there": self.there,
            "created_at": created_at,
        }


@dataclass(frozen=True, slots=True)
class ReconciliationStep:
    """Where a reconciliation stands. ``found``: the differences of this step; ``resume``: goes on from here."""

    object: str
    compared: int
    found: tuple[Difference, ...]
    resume: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a reconciliation came to. ``since`` and ``until`` by Molam's clock.

    ``in_doubt``: entries first used since then that are running, in doubt or for review; recover and settle them first,
    or Molam's objects of theirs are told as ``only_there``. ``not_compared``: entries that were settled by hand,
    without Molam's answer. ``differences``: the first thousand; ``counts`` has them all.
    """

    since: datetime
    until: datetime
    matched: int
    counts: Mapping[DifferenceKind, int]
    in_doubt: int
    not_compared: int
    differences: tuple[Difference, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing differs."""
        return not any(self.counts.values())

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON takes it."""
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "matched": self.matched,
            "counts": dict(self.counts),
            "in_doubt": self.in_doubt,
            "not_compared": self.not_compared,
            "differences": [difference.to_dict() for difference in self.differences],
        }


def compared(kind: str, found: Any, entries: Sequence[Entry]) -> list[Difference]:
    """How an object of Molam's differs from what the journal says of it; ``entries``: all that are about it."""
    if not entries:
        return [_difference("only_there", kind, found, there=found.status)]
    create = next((entry for entry in entries if entry.operation == CREATED_BY[kind]), None)
    key = create.key if create is not None else entries[0].key
    told = []
    if (status := _other_status(found, create, entries)) is not None:
        told.append(_difference("status", kind, found, key=key, here=status, there=found.status))
    for here, there in _other_amounts(found, entries):
        told.append(_difference("amount", kind, found, key=key, here=here, there=there))
    return told


def missing(kind: str, object_id: str, entry: Entry) -> Difference:
    """An entry that was done, and whose object Molam does not have."""
    return Difference("only_here", kind, object_id, entry.key, entry.state)


def _difference(kind: DifferenceKind, thing: str, found: Any, **facts: str | None) -> Difference:
    return Difference(kind, thing, found.id, created_at=found.created_at, **facts)


def _other_status(found: Any, create: Entry | None, entries: Sequence[Entry]) -> str | None:
    """What the journal says of the status, where that cannot have become what Molam says."""
    if create is not None and create.state in ("refused", "free"):
        return create.state
    last = max((entry for entry in entries if entry.state == "done"), key=_place_in_life, default=None)
    if last is None or found.status not in _KNOWN:
        return None
    here = _status_of(last)
    if here is None:
        return None
    possible = {here} | _MAY_BECOME.get(here, frozenset())
    for entry in entries:
        possible |= _left_by(entry)
    return None if found.status in possible else here


def _place_in_life(entry: Entry) -> tuple[int, float]:
    step = _STEPS.index(entry.operation) + 1 if entry.operation in _STEPS else 0
    return step, entry.ended_at or 0.0


def _status_of(entry: Entry) -> str | None:
    status = getattr(entry.result, "status", None)
    return status if isinstance(status, str) else None


def _left_by(entry: Entry) -> frozenset[str]:
    """The statuses that a call may have left behind which was declined, or is in doubt."""
    lookup = BY_NAME[entry.operation].lookup if entry.operation in BY_NAME else None
    if lookup is None or entry.state in ("done", "free"):
        return frozenset()
    return frozenset({"failed"}) if entry.state == "refused" else lookup.done | {"failed"}


def _other_amounts(found: Any, entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """Amounts that were asked for, and Molam's, where they differ."""
    for entry in entries:
        body = facts_in(entry.body or b"{}")
        if entry.state != "done" or body.get("amount") is None:
            continue
        if object_in(entry.operation, entry.path) is None:
            asked, there = _price(body), (found.amount, found.currency)
        elif entry.operation == "capture_payment_intent" and found.amount_captured is not None:
            asked, there = _price(body), (found.amount_captured, found.currency)
        else:
            continue
        if asked[0] != there[0] or asked[1] not in (None, there[1]):
            yield _shown(asked[0], asked[1] or there[1]), _shown(*there)


def _price(body: Mapping[str, Any]) -> tuple[Decimal, str | None]:
    currency = body.get("currency")
    return Decimal(str(body["amount"])), currency if isinstance(currency, str) else None


def _shown(amount: Decimal, currency: str | None) -> str:
    return f"{amount} {currency or ''}".strip()
