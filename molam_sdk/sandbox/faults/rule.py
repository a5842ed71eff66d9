"""One rule of faults: its kinds, its parts, and the check of what was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..domain.events import EVENT_TYPES

# Each kind: the family it acts on, and what it does; docs/sandbox.md prints this table.
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
DEFAULT_SECONDS = {"latency": 1.0, "drip_headers": 0.5, "drip_body": 0.5, "reorder": 5.0, "late": 60.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFault:
    """One rule: it acts on requests that match `operation` and `key` (the idempotency key), or deliveries of `event`.

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


_SETTABLE = {f.name for f in fields(InjectedFault)} - {"id", "created_at"}
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


def check(given: Mapping[str, Any], operations: Sequence[str]) -> None:
    """Raise ValueError naming the part that does not fit: a fault that never fires tests nothing."""
    unknown = given.keys() - _SETTABLE
    if unknown:
        known = ", ".join(sorted(_SETTABLE))
        raise ValueError(f"{min(unknown)}: no such part of a fault; there are {known}")
    for name, words in (("kind", KINDS), ("operation", operations), ("event", EVENT_TYPES)):
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
