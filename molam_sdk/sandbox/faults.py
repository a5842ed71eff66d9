"""Faults on demand: rules that say which request or delivery meets which misfortune, reproducible by seed."""

import random
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .bodies import EVENT_TYPES
from .clock import Clock
from .operations import NAMES

# Each kind: the family it acts on, and what it does; the documentation and the OpenAPI document print this
# table.
KINDS: dict[str, tuple[str, str]] = {
    "latency": ("request", "waits `seconds` before the work; the key is in progress meanwhile"),
    "status": ("request", "answers `status` with `headers`, without the work unless `commit`"),
    "drop_before": ("request", "closes the connection before the work"),
    "drop_after_commit": ("request", "does the work, then closes the connection without an answer"),
    "reset": ("request", "resets the connection (TCP RST), after the work if `commit`"),
    "drip_headers": ("request", "does the work, then sends one byte per `seconds` from the status line on"),
    "drip_body": ("request", "does the work, then sends the body one byte per `seconds`"),
    "truncate": (
        "request",
        "does the work, promises the whole body, sends `size` bytes of it (half if left out)",
    ),
    "garbage": ("request", "does the work, then answers 200 with a body that is no JSON"),
    "duplicate": ("delivery", "delivers the event twice"),
    "reorder": (
        "delivery",
        "holds the delivery back until a later one to the endpoint is through (or `seconds`)",
    ),
    "late": ("delivery", "delivers `seconds` of the clock later"),
}
_SECONDS = {"latency": 1.0, "drip_headers": 0.5, "drip_body": 0.5, "reorder": 5.0, "late": 60.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule. It acts on requests that match `operation`, `key` (the idempotency key) or, for deliveries,
    `event`.

    Of the matching ones: only the `nth` (from 1), or each with `probability`; at most `times`; while the
    sandbox's clock is within `for_seconds` of its making.
    """

    id: str
    kind: str
    operation: str | None = None
    key: str | None = None
    event: str | None = None
    nth: int | None = None
    probability: float = 1.0
    seed: int = 0
    times: int | None = None
    for_seconds: float | None = None
    seconds: float = 0.0
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    commit: bool = False
    size: int | None = None
    created_at: float = 0.0


@dataclass(slots=True)
class _Tally:
    chance: random.Random
    seen: int = 0
    fired: int = 0


_SETTABLE = {f.name for f in fields(Fault)} - {"id", "created_at"}
_BOUNDS: dict[str, tuple[tuple[type, ...], float, float]] = {
    "nth": ((int,), 1, 10**9),
    "probability": ((int, float), 0, 1),
    "seed": ((int,), -(2**63), 2**63),
    "times": ((int,), 1, 10**9),
    "for_seconds": ((int, float), 0, 10**9),
    "seconds": ((int, float), 0, 10**9),
    "status": ((int,), 300, 599),
    "size": ((int,), 0, 10**9),
}


def _check(given: Mapping[str, Any]) -> None:
    """Raise ValueError naming the part that does not fit: a fault that never fires tests nothing."""
    unknown = given.keys() - _SETTABLE
    if unknown:
        known = ", ".join(sorted(_SETTABLE))
        raise ValueError(f"{min(unknown)}: no such part of a fault; there are {known}")
    for name, words in (("kind", KINDS), ("operation", NAMES), ("event", EVENT_TYPES)):
        value = given.get(name)
        if (value is not None or name == "kind") and (not isinstance(value, str) or value not in words):
            raise ValueError(f"{name}: must be one of {', '.join(words)}")
    family = KINDS[given["kind"]][0]
    for name in ("operation", "key") if family == "delivery" else ("event",):
        if given.get(name) is not None:
            raise ValueError(f"{name}: {given['kind']} acts on a {family}, which has none")
    for name, bounds in _BOUNDS.items():
        _check_number(name, given.get(name), *bounds)
    _check_rest(given)


def _check_number(name: str, value: Any, types: tuple[type, ...], least: float, most: float) -> None:
    if value is None:
        return
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and isinstance(value, types)
    if not fits or not least <= value <= most:
        raise ValueError(f"{name}: must be a number from {least} to {most}")


def _check_rest(given: Mapping[str, Any]) -> None:
    if not isinstance(given.get("key", ""), str) or not isinstance(given.get("commit", False), bool):
        raise ValueError("key must be a string, commit true or false")
    headers = given.get("headers", {})
    pairs = headers.items() if isinstance(headers, Mapping) else [(None, None)]
    if not all(isinstance(part, str) and part.isprintable() and part.isascii() for pair in pairs for part in pair):
        raise ValueError("headers: must map names to strings of printable ASCII")


class Faults:
    """The rules in force; thread-safe. The first rule that fires for a request or a delivery is the one that acts."""

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self._clock, self._seed = clock, seed
        self._lock = threading.Lock()
        self._rules: dict[str, tuple[Fault, _Tally]] = {}
        self._made = 0

    def add(self, operation: str | None = None, *, kind: str, **parts: Any) -> Fault:
        """A new rule from the parts of Fault; raises ValueError for a part that is unknown or does not fit."""
        given = {
            name: value for name, value in {"operation": operation, "kind": kind, **parts}.items() if value is not None
        }
        _check(given)
        with self._lock:
            self._made += 1
            made: dict[str, Any] = {"seed": self._seed, "seconds": _SECONDS.get(kind, 0.0), **given}
            fault = Fault(id=f"fault_{self._made}", created_at=self._clock.now(), **made)
            # The draw hangs on the seed and the place of the rule alone: the same run meets the same faults.
            chance = random.Random(f"{fault.seed}:{self._made}")  # noqa: S311 - repeatable on purpose
            self._rules[fault.id] = (fault, _Tally(chance))
        return fault

    def latency(self, seconds: float = 1.0, **parts: Any) -> Fault:
        return self.add(kind="latency", seconds=seconds, **parts)

    def status(self, status: int = 503, **parts: Any) -> Fault:
        return self.add(kind="status", status=status, **parts)

    def drop_before(self, **parts: Any) -> Fault:
        return self.add(kind="drop_before", **parts)

    def drop_after_commit(self, **parts: Any) -> Fault:
        return self.add(kind="drop_after_commit", **parts)

    def reset(self, **parts: Any) -> Fault:
        return self.add(kind="reset", **parts)

    def drip_headers(self, seconds: float = 0.5, **parts: Any) -> Fault:
        return self.add(kind="drip_headers", seconds=seconds, **parts)

    def drip_body(self, seconds: float = 0.5, **parts: Any) -> Fault:
        return self.add(kind="drip_body", seconds=seconds, **parts)

    def truncate(self, size: int | None = None, **parts: Any) -> Fault:
        return self.add(kind="truncate", size=size, **parts)

    def garbage(self, **parts: Any) -> Fault:
        return self.add(kind="garbage", **parts)

    def duplicate(self, **parts: Any) -> Fault:
        return self.add(kind="duplicate", **parts)

    def reorder(self, **parts: Any) -> Fault:
        return self.add(kind="reorder", **parts)

    def late(self, seconds: float = 60.0, **parts: Any) -> Fault:
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

    def for_request(self, operation: str, key: str | None) -> Fault | None:
        """The fault this request meets, if any."""
        return self._decide("request", {"operation": operation, "key": key})

    def for_delivery(self, event: str) -> Fault | None:
        """The fault this delivery meets, if any."""
        return self._decide("delivery", {"event": event})

    def _decide(self, family: str, traits: dict[str, str | None]) -> Fault | None:
        if not self._rules:
            return None
        now = self._clock.now()
        with self._lock:
            for rule, tally in self._rules.values():
                matches = all(getattr(rule, name) in (None, value) for name, value in traits.items())
                if KINDS[rule.kind][0] == family and matches and _fires(rule, tally, now):
                    return rule
        return None


def _fires(rule: Fault, tally: _Tally, now: float) -> bool:
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
