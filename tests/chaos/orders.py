"""The orders of both tenants, and the table in which a merchant keeps what became of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

TENANTS = ("north", "south")
Fact = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a tenant. Both tenants count from 0, so that they use the same idempotency keys."""

    tenant: str
    number: int

    @property
    def name(self) -> str:
        """Which one, among those of all tenants."""
        return f"{self.tenant}-o{self.number}"

    @property
    def amount(self) -> Decimal:
        """An amount that no other order of the tenant has: by it an answer that was another order's is known."""
        return Decimal(1000 + self.number) / 100

    @property
    def has_bad_card(self) -> bool:
        """Every twentieth customer pays with a card that is declined."""
        return self.number % 20 == 7

    def steps(self) -> tuple[Step, ...]:
        """What is to be done for it, in turn."""
        if self.number % 10 == 3:
            return (Step(self, "create_payout"),)
        return (Step(self, "create_payment_intent"), Step(self, "confirm_payment_intent"))


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of an order."""

    order: Order
    operation: str

    @property
    def name(self) -> str:
        """Which one, among those of all tenants."""
        return f"{self.order.tenant}:{self.key(0)}"

    @property
    def is_declined(self) -> bool:
        """Whether Molam must decline it."""
        return self.order.has_bad_card and self.operation == "confirm_payment_intent"

    def key(self, generation: int) -> str:
        """The idempotency key: the order's number, what is done for it, and how many keys were given up before."""
        tried = f"-{generation}" if generation else ""
        return f"o{self.order.number}-{self.operation.partition('_')[0]}{tried}"


def order_of(number: int) -> Order:
    """The orders of all tenants in one row."""
    return Order(TENANTS[number % len(TENANTS)], number // len(TENANTS))


@dataclass
class Kept:
    """What the table holds of a step. ``left``: the facts of its last error; ``orphaned``: a call under its key went
    on when its process died, or was torn without a word, so that nobody holds its claim."""

    key: str
    generation: int = 0
    done: str = ""
    left: Fact | None = None
    calls: list[str] = field(default_factory=list)
    in_call: bool = False
    orphaned: bool = False


class Table:
    """A merchant's database: a file that is only appended to, a line per fact, read again after a death."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._steps: dict[str, Kept] = {}
        self._lock = threading.Lock()
        for fact in facts_in(path):
            self._take_in(fact)
        for kept in self._steps.values():
            kept.orphaned = kept.orphaned or (kept.in_call and not kept.done)

    def of(self, step: Step) -> Kept:
        """What is kept of a step; its key is written down before it is used for the first time."""
        if step.name not in self._steps:
            self.note(step, key=step.key(0), generation=0)
        return self._steps[step.name]

    def note(self, step: Step, **fact: Any) -> None:
        """Append a fact."""
        fact["step"] = step.name
        line = json.dumps(fact)
        with self._lock, self._path.open("a") as file:
            self._take_in(fact)
            file.write(f"\n{line}")

    def _take_in(self, fact: Fact) -> None:
        if "key" in fact:
            self._steps[fact["step"]] = Kept(fact["key"], fact["generation"])
            return
        kept = self._steps[fact["step"]]
        if "began" in fact:
            kept.in_call = True
        if "torn" in fact:
            kept.in_call, kept.orphaned = False, kept.orphaned or not fact["told"]
        if "claim" in fact:
            kept.in_call, kept.left, kept.calls = False, fact["facts"], fact["calls"]
            kept.orphaned = fact["orphaned"]
        if "done" in fact:
            kept.done = fact["done"]


def facts_in(path: Path) -> Iterator[Fact]:
    """The facts of a table, without the line that a death cut short."""
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue
