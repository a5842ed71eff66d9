"""The rules of faults in force: which request or delivery meets which, reproducible by seed."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..domain.clock import SandboxClock
from .met import NONE_MET, FaultTarget, MetFaults, stage_of
from .rule import DEFAULT_SECONDS, KINDS, InjectedFault, check


@dataclass(slots=True)
class _Tally:
    seen: int = 0
    fired: int = 0
    alike: Counter[str] = field(default_factory=Counter)


class Faults:
    """The rules in force; thread-safe. Of each stage (wait, answer, pace, form), the first rule that fires acts."""

    def __init__(self, clock: SandboxClock, operations: Sequence[str], seed: int = 0) -> None:
        self._clock, self.operations, self._seed = clock, tuple(operations), seed
        self._lock = threading.Lock()
        self._rules: dict[str, tuple[InjectedFault, _Tally]] = {}
        self._made = 0

    def __bool__(self) -> bool:
        return bool(self._rules)

    def add(self, operation: str | None = None, *, kind: str, **parts: Any) -> InjectedFault:
        """A new rule from the parts of InjectedFault; raises ValueError for a part that is unknown or does not fit."""
        given = {
            name: value for name, value in {"operation": operation, "kind": kind, **parts}.items() if value is not None
        }
        check(given, self.operations)
        with self._lock:
            self._made += 1
            made: dict[str, Any] = {"seed": self._seed, "seconds": DEFAULT_SECONDS.get(kind, 0.0), **given}
            fault = InjectedFault(id=f"fault_{self._made}", created_at=self._clock.now(), **made)
            self._rules[fault.id] = (fault, _Tally())
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

    def blackhole(self, seconds: float = 60.0, **parts: Any) -> InjectedFault:
        return self.add(kind="blackhole", seconds=seconds, **parts)

    def bandwidth(self, rate: int = 1000, **parts: Any) -> InjectedFault:
        return self.add(kind="bandwidth", rate=rate, **parts)

    def old_request_id(self, **parts: Any) -> InjectedFault:
        return self.add(kind="old_request_id", **parts)

    def no_request_id(self, **parts: Any) -> InjectedFault:
        return self.add(kind="no_request_id", **parts)

    def unknown_fields(self, **parts: Any) -> InjectedFault:
        return self.add(kind="unknown_fields", **parts)

    def unknown_status(self, **parts: Any) -> InjectedFault:
        return self.add(kind="unknown_status", **parts)

    def duplicate(self, **parts: Any) -> InjectedFault:
        return self.add(kind="duplicate", **parts)

    def reorder(self, **parts: Any) -> InjectedFault:
        return self.add(kind="reorder", **parts)

    def late(self, seconds: float = 60.0, **parts: Any) -> InjectedFault:
        return self.add(kind="late", seconds=seconds, **parts)

    def no_kid(self, **parts: Any) -> InjectedFault:
        return self.add(kind="no_kid", **parts)

    def iso_created(self, **parts: Any) -> InjectedFault:
        return self.add(kind="iso_created", **parts)

    def long_type(self, **parts: Any) -> InjectedFault:
        return self.add(kind="long_type", **parts)

    def unknown_type(self, **parts: Any) -> InjectedFault:
        return self.add(kind="unknown_type", **parts)

    def bad_signature(self, **parts: Any) -> InjectedFault:
        return self.add(kind="bad_signature", **parts)

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

    def met_by(self, target: FaultTarget) -> MetFaults:
        """The faults that this request or delivery meets; every rule that it matches counts it as seen."""
        if not self._rules:
            return NONE_MET
        now, met = self._clock.now(), dict[str, InjectedFault]()
        with self._lock:
            for rule, tally in self._rules.values():
                if KINDS[rule.kind].family != target.family or not _matches(rule, target.traits):
                    continue
                if _fires(rule, tally, target.alike, now, taken=stage_of(rule) in met):
                    met[stage_of(rule)] = rule
        return MetFaults(met) if met else NONE_MET


def _matches(rule: InjectedFault, traits: dict[str, str | None]) -> bool:
    return all(getattr(rule, name) in (None, value) for name, value in traits.items())


def _fires(rule: InjectedFault, tally: _Tally, alike: str, now: float, taken: bool) -> bool:
    if rule.for_seconds is not None and now > rule.created_at + rule.for_seconds:
        return False
    tally.seen += 1
    tally.alike[alike] += 1
    if taken or (rule.nth is not None and tally.seen != rule.nth):
        return False
    if rule.times is not None and tally.fired >= rule.times:
        return False
    # The draw hangs on the seed, the rule and the how many-th of its like: the same run meets the same faults.
    drawn = f"{rule.seed}:{rule.id}:{alike}:{tally.alike[alike]}"
    if rule.probability < 1 and random.Random(drawn).random() >= rule.probability:  # noqa: S311 - repeatable on purpose
        return False
    tally.fired += 1
    return True
