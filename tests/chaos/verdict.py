"""What the run must have come to: one execution an order, and no error that lied."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.chaos.merchant import is_bad_card, steps_of
from tests.chaos.proxy import Carried

Fact = dict[str, Any]


class Evidence:
    """The merchants' tables, the network's record and the sandbox's audit trail, side by side."""

    def __init__(self, tables: Iterable[Path], record: list[Carried], audit: list[Fact]) -> None:
        self.facts = [json.loads(line) for table in tables for line in _whole_lines(table)]
        self.keys = {fact["step"]: fact["key"] for fact in self.facts if "key" in fact}
        self.done = {fact["step"]: fact for fact in self.facts if "done" in fact}
        self.claims = [fact for fact in self.facts if "claim" in fact]
        self.record = record
        self.by_call = defaultdict[str, list[Carried]](list)
        for carried in record:
            self.by_call[carried.call].append(carried)
        # A decline was worked on as well, but moved nothing.
        executed = [row for row in audit if row["executed"] and row["status"] < 300]
        self.executions = Counter(row["idempotency_key"] for row in executed)
        self.orders = Counter(row["order_id"] for row in executed if row["operation"] == "create_payment_intent")

    def figures(self) -> dict[str, Any]:
        """What was survived, in numbers."""
        faults = Counter(carried.fault for carried in self.record if carried.fault)
        return {
            "requests": len(self.record),
            "faults": sum(faults.values()),
            "share": round(sum(faults.values()) / max(1, len(self.record)), 3),
            "calls_failed": len(self.claims),
            "claims": dict(Counter(claim["claim"] for claim in self.claims)),
            "errors": dict(Counter(claim["error"] for claim in self.claims)),
            "replays": sum(bool(fact.get("replayed")) for fact in self.done.values()),
            "executions": sum(self.executions.values()),
        }

    def lies(self, orders: int) -> list[str]:
        """Everything that must not be; empty after a good run."""
        return [*self._wrong_orders(orders), *self._false_claims()]

    def _wrong_orders(self, orders: int) -> Iterator[str]:
        for order in range(orders):
            for step, operation in steps_of(order):
                declined = is_bad_card(order) and operation == "confirm_payment_intent"
                found, expected = self.executions[self.keys.get(step, "")], 0 if declined else 1
                if found != expected:
                    yield f"{step}: {found} executions under its key, {expected} expected"
                if (self.done.get(step, {}).get("done") == "declined") != declined:
                    yield f"{step}: ended as {self.done.get(step)}"
                if operation == "create_payment_intent" and self.orders[f"o{order}"] != 1:
                    yield f"order {order}: {self.orders[f'o{order}']} intents"

    def _false_claims(self) -> Iterator[str]:
        for claim in self.claims:
            carried = [one for call in claim["calls"] for one in self.by_call[call]]
            executed = [one for one in carried if 200 <= one.status < 300 and not one.replayed]
            doubtful = [one for one in carried if one.forwarded and not one.status]
            key = claim["under"]
            if key != self.keys.get(claim["step"]):
                yield f"the error names another key: {claim}"
            elif claim["claim"] == "not_sent" and carried:
                yield f"not sent, but seen: {claim} {carried}"
            elif claim["claim"] == "accepted" and not self.executions[key]:
                yield f"accepted, but never executed: {claim} {carried}"
            elif claim["claim"] == "rejected" and (executed or self._executed_in(doubtful, key)):
                yield f"rejected, but executed: {claim} {carried}"

    def _executed_in(self, doubtful: list[Carried], key: str) -> bool:
        """Whether an execution under the key can only have been by one of these unanswered requests."""
        answered = any(one.key == key and 200 <= one.status < 300 and not one.replayed for one in self.record)
        return bool(doubtful) and bool(self.executions[key]) and not answered


def _whole_lines(table: Path) -> Iterator[str]:
    for line in table.read_text().splitlines():
        if line.startswith("{") and line.endswith("}"):
            yield line
