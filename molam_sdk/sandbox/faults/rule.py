"""One rule of faults: its kinds, its parts, and the check of what was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from ..domain.events import EVENT_TYPES


class FaultKind(NamedTuple):
    """What a kind acts on, at which stage of it, what it does, and the parts that only some kinds have.

    A request or a delivery meets one fault of each stage: it can wait, answer 503 and drip that answer.
    """

    family: str
    stage: str
    effect: str
    parts: tuple[str, ...] = ()


# docs/sandbox.md prints the effects.
KINDS: dict[str, FaultKind] = {
    "latency": FaultKind(
        "request",
        "wait",
        "waits `seconds`, up to `jitter` more, before the work; the key is in progress meanwhile",
        ("seconds", "jitter"),
    ),
    "status": FaultKind(
        "request",
        "answer",
        "answers `status` with `headers` and `body`, without the work unless `commit`",
        ("status", "headers", "body", "commit"),
    ),
    "drop_before": FaultKind("request", "answer", "closes the connection before the work", ("commit",)),
    "drop_after_commit": FaultKind(
        "request", "answer", "does the work, then closes the connection without an answer", ("commit",)
    ),
    "reset": FaultKind("request", "answer", "resets the connection (TCP RST), after the work if `commit`", ("commit",)),
    "blackhole": FaultKind(
        "request", "answer", "never answers, for `seconds` at most; does the work if `commit`", ("seconds", "commit")
    ),
    "truncate": FaultKind(
        "request",
        "answer",
        "does the work, promises the whole body, sends `size` bytes of it (half if left out)",
        ("size",),
    ),
    "garbage": FaultKind("request", "answer", "does the work, then answers 200 with a body that is no JSON"),
    "drip_headers": FaultKind(
        "request", "pace", "does the work, then sends one byte per `seconds` from the status line on", ("seconds",)
    ),
    "drip_body": FaultKind(
        "request", "pace", "does the work, then sends the body one byte per `seconds`", ("seconds",)
    ),
    "bandwidth": FaultKind("request", "pace", "sends the answer at `rate` bytes a second", ("rate",)),
    "old_request_id": FaultKind("request", "form", "answers with `X-Request-ID`, as older gateways do"),
    "no_request_id": FaultKind("request", "form", "answers without a request id, as what stands in between does"),
    "unknown_fields": FaultKind("request", "form", "adds a field to the answer that no version has"),
    "unknown_status": FaultKind("request", "form", "answers with an object in a status that no version has"),
    "duplicate": FaultKind("delivery", "time", "delivers the event twice"),
    "reorder": FaultKind(
        "delivery",
        "time",
        "holds the delivery back until a later one to the endpoint is through (or `seconds`)",
        ("seconds",),
    ),
    "late": FaultKind("delivery", "time", "delivers `seconds` of the clock later", ("seconds",)),
    "no_kid": FaultKind("delivery", "form", "signs without `kid`"),
    "iso_created": FaultKind("delivery", "form", "writes `created` as ISO 8601"),
    "long_type": FaultKind("delivery", "form", "names the type in the longer form, `payment.intent.succeeded`"),
    "unknown_type": FaultKind("delivery", "form", "names a type that no version has"),
    "bad_signature": FaultKind("delivery", "form", "signs with another secret"),
}
DEFAULT_SECONDS = {
    "latency": 1.0,
    "blackhole": 60.0,
    "drip_headers": 0.5,
    "drip_body": 0.5,
    "reorder": 5.0,
    "late": 60.0,
}
# What a rule may be kept to, by the family of its kind.
TRAITS = {
    "request": ("operation", "method", "key", "account", "order", "scope"),
    "delivery": ("event", "endpoint", "account", "order", "scope"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFault:
    """One rule. It acts on requests that match `operation`, `method`, `key` (the idempotency key), `account`, `order`
    (`metadata.order_id`) and `scope` (the header Molam-Sandbox-Scope), or on deliveries that match `event`,
    `endpoint`, `account`, `order` and `scope`; what is left out matches all.

    Of the matching ones: only the `nth` (from 1), or each with `probability`; at most `times`; while the
    sandbox's clock is within `for_seconds` of its making.
    """

    id: str
    kind: str
    operation: str | None = None
    method: str | None = None
    key: str | None = None
    event: str | None = None
    endpoint: str | None = None
    account: str | None = None
    order: str | None = None
    scope: str | None = None
    nth: int | None = None
    probability: float = 1.0
    seed: int = 0
    times: int | None = None
    for_seconds: float | None = None
    seconds: float = 0.0
    jitter: float = 0.0
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    rate: int = 1000
    commit: bool = False
    size: int | None = None
    created_at: float = 0.0


_SETTABLE = {f.name for f in fields(InjectedFault)} - {"id", "created_at"}
_OF_SOME_KINDS = {part for kind in KINDS.values() for part in kind.parts}
_TEXTS = ("key", "account", "order", "scope", "endpoint", "body")
_BOUNDS: dict[str, tuple[tuple[type, ...], float, float]] = {
    "nth": ((int,), 1, 10**9),
    "probability": ((int, float), 0, 1),
    "seed": ((int,), -(2**63), 2**63),
    "times": ((int,), 1, 10**9),
    "for_seconds": ((int, float), 0, 10**9),
    "seconds": ((int, float), 0, 10**9),
    "jitter": ((int, float), 0, 10**9),
    "status": ((int,), 300, 599),
    "rate": ((int,), 1, 10**9),
    "size": ((int,), 0, 10**9),
}


def check(given: Mapping[str, Any], operations: Sequence[str]) -> None:
    """Raise ValueError naming the part that does not fit: a fault that never fires tests nothing."""
    unknown = given.keys() - _SETTABLE
    if unknown:
        known = ", ".join(sorted(_SETTABLE))
        raise ValueError(f"{min(unknown)}: no such part of a fault; there are {known}")
    words = (("kind", KINDS), ("operation", operations), ("event", EVENT_TYPES), ("method", ("GET", "POST", "DELETE")))
    for name, allowed in words:
        value = given.get(name)
        if (value is not None or name == "kind") and (not isinstance(value, str) or value not in allowed):
            raise ValueError(f"{name}: must be one of {', '.join(allowed)}")
    _check_of_this_kind(given)
    for name, bounds in _BOUNDS.items():
        _check_number(name, given.get(name), *bounds)
    _check_rest(given)


def _check_of_this_kind(given: Mapping[str, Any]) -> None:
    name, kind = given["kind"], KINDS[given["kind"]]
    foreign = {*TRAITS["request"], *TRAITS["delivery"]} - {*TRAITS[kind.family]}
    for part in sorted(given.keys() & foreign):
        raise ValueError(f"{part}: {name} acts on a {kind.family}, which has none")
    for part in sorted(given.keys() & _OF_SOME_KINDS - {*kind.parts}):
        has = f"it has {', '.join(kind.parts)}" if kind.parts else "it has no parts of its own"
        raise ValueError(f"{part}: no part of {name}; {has}")


def _check_number(name: str, value: Any, types: tuple[type, ...], least: float, most: float) -> None:
    if value is None:
        return
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and isinstance(value, types)
    if not fits or not least <= value <= most:
        raise ValueError(f"{name}: must be a number from {least} to {most}")


def _check_rest(given: Mapping[str, Any]) -> None:
    for name in _TEXTS:
        if not isinstance(given.get(name, ""), str):
            raise ValueError(f"{name}: must be a string")
    if not isinstance(given.get("commit", False), bool):
        raise ValueError("commit: must be true or false")
    headers = given.get("headers", {})
    pairs = headers.items() if isinstance(headers, Mapping) else [(None, None)]
    if not all(isinstance(part, str) and part.isprintable() and part.isascii() for pair in pairs for part in pair):
        raise ValueError("headers: must map names to strings of printable ASCII")
