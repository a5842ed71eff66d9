"""What the run must have come to: one execution an order, and no error that lied."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.chaos.orders import Fact, Step, facts_in, order_of
from tests.chaos.proxy import Carried

NOT_DONE = ("declined", "given up", "refused")


class Evidence:
    """The merchants' tables, the network's record and the sandbox's audit trail, side by side.

    ``key_ids``: the tenants, by what the audit trail calls their API keys.
    """

    def __init__(
        self, tables: Iterable[Path], record: list[Carried], audit: list[Fact], key_ids: Mapping[str, str]
    ) -> None:
        self.facts = [fact for table in tables for fact in facts_in(table)]
        self.keys = defaultdict[str, list[str]](list)
        for fact in self.facts:
            if "key" in fact:
                self.keys[fact["step"]].append(fact["key"])
        self.done = {fact["step"]: fact for fact in self.facts if "done" in fact}
        self.claims = [fact for fact in self.facts if "claim" in fact]
        self.record = record
        self.by_call, self.by_key = defaultdict[str, list[Carried]](list), defaultdict[str, list[Carried]](list)
        for carried in record:
            self.by_call[carried.call].append(carried)
            self.by_key[f"{carried.tenant}:{carried.key}"].append(carried)
        # A decline was worked on as well, but moved nothing.
        executed = [row for row in audit if row["executed"] and row["status"] < 300]
        self.executed = [(f"{key_ids[row['key_id']]}:{row['idempotency_key']}", row) for row in executed]
        self.executions = Counter(key for key, _ in self.executed)
        self.objects = {key: row["object_id"] for key, row in self.executed}
        self.orders = Counter(row["order_id"] for _, row in self.executed if row["operation"].startswith("create_"))

    def figures(self) -> dict[str, Any]:
        """What was survived, in numbers."""
        faults = Counter(carried.fault for carried in self.record if carried.fault)
        ends = Counter(fact["done"] for fact in self.done.values() if fact["done"] in NOT_DONE)
        return {
            "requests": len(self.record),
            "faults": sum(faults.values()),
            "share": round(sum(faults.values()) / max(1, len(self.record)), 3),
            "strangers": sum(count for kind, count in faults.items() if kind.startswith("gateway_")),
            "answers_of_another_call": faults["mixed_up"],
            "calls_failed": len(self.claims),
            "claims": dict(Counter(claim["claim"] for claim in self.claims)),
            "errors": dict(Counter(claim["error"] for claim in self.claims)),
            "replays": sum(bool(fact.get("replayed")) for fact in self.done.values()),
            "new_keys": sum(len(keys) - 1 for keys in self.keys.values()),
            "ends": dict(ends),
            "handed_over": self._count("handed_over"),
            "refused_for_the_other_tenant": self._count("other_tenant"),
            "torn_by_a_signal": self._count("torn"),
            "torn_and_told": sum(fact.get("told", False) for fact in self.facts),
            "claims_by_orphans": sum(claim["orphaned"] for claim in self.claims),
            "untrue_of_the_dead": sum(1 for claim in self.claims if claim["orphaned"] and self._is_untrue(claim)),
            "executions": sum(self.executions.values()),
        }

    def lies(self, orders: int) -> list[str]:
        """Everything that must not be; empty after a good run."""
        return [*self._wrong_orders(orders), *self._false_claims(), *self._crossed()]

    def _count(self, name: str) -> int:
        return sum(name in fact for fact in self.facts)

    def _wrong_orders(self, orders: int) -> Iterator[str]:
        for order in map(order_of, range(orders)):
            ended = False
            for step in order.steps():
                yield from self._wrong_steps(step, ended)
                ended = ended or self.done.get(step.name, {}).get("done") in NOT_DONE
            if self.orders[order.name] > 1:
                yield f"{order.name}: executed {self.orders[order.name]} times"

    def _wrong_steps(self, step: Step, ended: bool) -> Iterator[str]:
        end = self.done.get(step.name, {}).get("done", "nothing")
        keys = [f"{step.order.tenant}:{key}" for key in self.keys[step.name]]
        found = [self.executions[key] for key in keys]
        if ended:
            if keys:
                yield f"{step.name}: begun after its order had ended"
        elif end in NOT_DONE:
            if sum(found):
                yield f"{step.name}: {end}, but executed {found} times under {keys}"
            # A decline whose body was lost is a true no; under a new key the failed payment is refused.
            if end != "given up" and not step.is_declined:
                yield f"{step.name}: {end}"
        elif step.is_declined or found[-1:] != [1] or sum(found) != 1 or self.objects.get(keys[-1]) != end:
            yield f"{step.name}: ended as {end}, executed {found} times under {keys}"

    def _false_claims(self) -> Iterator[str]:
        for claim in self.claims:
            tenant = claim["step"].partition(":")[0]
            own = [one for call in claim["calls"] for one in self.by_call[call]]
            if claim["under"] not in self.keys[claim["step"]]:
                yield f"the error names another key: {claim}"
            elif claim["claim"] == "not_sent" and own:
                yield f"not sent, but seen: {claim} {own}"
            elif claim["claim"] == "accepted" and not self.executions[f"{tenant}:{claim['under']}"]:
                yield f"accepted, but never executed: {claim} {own}"
            elif self._is_untrue(claim, own if claim["orphaned"] else None):
                yield f"{claim['claim']}, but executed: {claim} {own}"

    def _is_untrue(self, claim: Fact, requests: list[Carried] | None = None) -> bool:
        """Whether an error says that nothing happened under its key, though one of these requests was executed;
        without ``requests``, any that was sent before it."""
        if claim["claim"] not in ("not_sent", "rejected"):
            return False
        key = f"{claim['step'].partition(':')[0]}:{claim['under']}"
        if requests is None:
            requests = [one for one in self.by_key[key] if one.began < claim["at"]]
        doubtful = [one for one in requests if one.forwarded and not one.status]
        return any(map(_was_executed, requests)) or (bool(doubtful) and self._is_unaccounted(key))

    def _is_unaccounted(self, key: str) -> bool:
        """Whether the execution under a key can only have been by a request that got no answer."""
        return bool(self.executions[key]) and not any(map(_was_executed, self.by_key[key]))

    def _crossed(self) -> Iterator[str]:
        """Whatever one tenant did for the other, or one call was answered in place of another."""
        for fact in self.facts:
            if "earlier" in fact:
                yield f"the answer to an earlier step was taken: {fact}"
            if "other_tenant" in fact and (fact["other_tenant"] != "refused" or self.by_call[fact["by"]]):
                yield f"resolved for the other tenant: {fact} {self.by_call[fact['by']]}"
        for key, row in self.executed:
            if row["order_id"] and row["order_id"].partition("-")[0] != key.partition(":")[0]:
                yield f"executed for the other tenant: {row}"


def _was_executed(carried: Carried) -> bool:
    return 200 <= carried.status < 300 and not carried.replayed
