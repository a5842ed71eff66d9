"""An event as the inbox takes it, and as it holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from .columns import unpack_names

InboxState = Literal["received", "failed", "dead", "done", "resolved"]
"""``received`` waits for its first run, ``failed`` for another; ``dead`` had its last; ``resolved`` ends by hand."""

UNFINISHED: Final[tuple[InboxState, ...]] = ("received", "failed", "dead")
STATES: Final[tuple[InboxState, ...]] = (*UNFINISHED, "done", "resolved")
COLUMNS: Final = (
    '"key", event_id, event_type, state, object_id, object_key, created, coalesce(first_seen, touched), touched, '
    "attempts, due, lease_until, finished, last_error, note, headers"
)
"""What ``event_of`` reads, with the body or without."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified event to be stored. ``object_key`` names the object whose events must keep their order, if any.

    ``created`` is Unix seconds; ``headers`` are those that the run needs (the trace, the delivery's id);
    ``occurrence`` as of a ``Claim``.
    """

    event_id: str
    event_type: str
    body: bytes
    created: float = 0.0
    object_id: str | None = None
    in_order: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    occurrence: str | None = None


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """An event as the inbox holds it. Times are Unix seconds; ``due`` is None where nothing more happens by itself.

    ``last_error`` is a traceback; ``finished`` names the handlers that ran; ``body`` is None in lists.
    """

    key: str
    event_id: str
    event_type: str
    state: InboxState
    object_id: str | None
    in_order: bool
    created: float
    first_seen: float
    touched: float
    attempts: int
    due: float | None
    lease_until: float
    finished: tuple[str, ...]
    last_error: str | None
    note: str | None
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class InboxFigures:
    """How the inbox stands. ``oldest_seconds`` is how long the oldest event that is not done has been here,
    ``waiting_seconds`` the same of those that a worker has yet to run: dead ones wait for nobody."""

    received: int
    failed: int
    dead: int
    in_flight: int
    oldest_seconds: float
    waiting_seconds: float = 0.0


class UnknownEventError(LookupError):
    """The inbox holds no such event, or none in a state in which that can be done to it."""


def event_of(row: Sequence[Any]) -> InboxEvent:
    """The event in a row of ``COLUMNS``."""
    key, event_id, event_type, state, object_id, object_key, created, first_seen, touched, attempts, due, *rest = row
    lease_until, finished, last_error, note, headers, *body = rest
    return InboxEvent(
        key, event_id, event_type, state, object_id, bool(object_key), created, first_seen, touched, int(attempts or 0),
        due, lease_until, unpack_names(finished), last_error, note, json.loads(headers or "{}"),
        bytes(body[0]) if body and body[0] is not None else None,
    )  # fmt: skip
