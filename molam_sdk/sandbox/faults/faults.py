"""The rules of faults in force: which request or delivery meets which, reproducible by seed."""

import random
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..domain.clock import SandboxClock
from .rule import DEFAULT_SECONDS, KINDS, InjectedFault, check


@dataclass(slots=True)
class _Tally:
    chance: random.Random
    seen: int = 0
    fired: int = 0


class Faults:
    """The rules in force; thread-safe. The first rule that fires for a request or a delivery is the one that acts."""

    def __init__(self, clock: SandboxClock, operations: Sequence[str], seed: int = 0) -> None:
        self._clock, self._operations, self._seed = clock, tuple(operations), seed
        self._lock = threading.Lock()
        self._rules: dict[str, tuple[InjectedFault, _Tally]] = {}
        self._made = 0

    def add(self, operation: str | None = None, *, kind: str, **parts: Any) -> InjectedFault:
        """A new rule from the parts of InjectedFault; raises ValueError for a part that is unknown or does not fit."""
        given = {
            name: value for name, value in {"operation": operation, "kind": kind, **parts}.items() if value is not None
        }
        check(given, self._operations)
        with self._lock:
            self._made += 1
            made: dict[str, Any] = {"seed": self._seed, "seconds": DEFAULT_SECONDS.get(kind, 0.0), **given}
            fault = InjectedFault(id=f"fault_{self._made}", created_at=self._clock.now(), **made)
            # The draw hangs on the seed and the place of the rule alone: the same run meets the same faults.
            chance = random.Random(f"{fault.seed}:{self._made}")  # noqa: S311 - repeatable on purpose
            self._rules[fault.id] = (fault, _Tally(chance))
        return fault

    def latency(self, seconds: float = 1.0, **parts: Any) -> InjectedFault:
        return self.add(kind="latency", seconds=seconds, **parts)

    def status(self, status: int = 503, **parts: Any) -> InjectedFault:
        return self.add(kind="status", status=status, **parts)

    def drop_before(self, **parts: Any) -> InjectedFault:
        return self.add(kind="drop_before", **parts)

    def drop_after_commit(self, **parts: Any) -> InjectedFault:
        return self.add(kind="drop_after_commit", **parts)

    def reset(self, **parts: Any) -> InjectedFault:
        return self.add(kind="reset", **parts)

    def drip_headers(self, seconds: float = 0.5, **parts: Any) -> InjectedFault:
        return self.add(kind="drip_headers", seconds=seconds, **parts)

    def drip_body(self, seconds: float = 0.5, **parts: Any) -> InjectedFault:
        return self.add(kind="drip_body", seconds=seconds, **parts)

    def truncate(self, size: int | None = None, **parts: Any) -> InjectedFault:
        return self.add(kind="truncate", size=size, **parts)

    def garbage(self, **parts: Any) -> InjectedFault:
        return self.add(kind="garbage", **parts)

    def duplicate(self, **parts: Any) -> InjectedFault:
        return self.add(kind="duplicate", **parts)

    def reorder(self, **parts: Any) -> InjectedFault:
        return self.add(kind="reorder", **parts)

    def late(self, seconds: float = 60.0, **parts: Any) -> InjectedFault:
        return self.add(kind="late", seconds=seconds, **parts)

    def list(self) -> "list[dict[str, Any]]":
        """Every rule with how often it matched (`seen`) and acted (`fired`)."""
        with self._lock:
            return [{**asdict(rule), "seen": tally.seen, "fired": tally.fired} for rule, tally in self._rules.values()]

    def remove(self, fault_id: str) -> bool:
        with self._lock:
            return self._rules.pop(fault_id, None) is not None

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def for_request(self, operation: str, key: str | None) -> InjectedFault | None:
        """The fault this request meets, if any."""
        return self._decide("request", {"operation": operation, "key": key})

    def for_delivery(self, event: str) -> InjectedFault | None:
        """The fault this delivery meets, if any."""
        return self._decide("delivery", {"event": event})

    def _decide(self, family: str, traits: dict[str, str | None]) -> InjectedFault | None:
        if not self._rules:
            return None
        now = self._clock.now()
        with self._lock:
            for rule, tally in self._rules.values():
                matches = all(getattr(rule, name) in (None, value) for name, value in traits.items())
                if KINDS[rule.kind][0] == family and matches and _fires(rule, tally, now):
                    return rule
        return None


def _fires(rule: InjectedFault, tally: _Tally, now: float) -> bool:
    if rule.for_seconds is not None and now > rule.created_at + rule.for_seconds:
        return False
    tally.seen += 1
    # Drawn for every match, so that nth and times do not shift the draws that follow.
    drawn = tally.chance.random() < rule.probability
    if rule.nth is not None and tally.seen != rule.nth:
        return False
    if not drawn or (rule.times is not None and tally.fired >= rule.times):
        return False
    tally.fired += 1
    return True
