"""What observers and gates are told about a call: frozen facts, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..exceptions import Outcome
from .wire import NoReply


@dataclass(frozen=True)  # no slots: Python 3.10 gives those no weak reference
class CallStart:
    """A call is about to begin. It lives as long as the call: a weak reference to it tells when that was torn."""

    operation: str
    group: str
    method: str
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class CallRecord:
    """How a call ended. ``code`` is the HTTP status or a word (``timeout``, ``circuit_open``, …); seconds throughout.

    ``outcome`` is None for a success; ``retries`` holds the code each retry was made for, in order. ``start`` is the
    very object that ``call_started`` was given. ``decline_reason``, after a 402: its code, or ``other`` where that is
    none of Molam's. ``time_left``: to the deadline when it ended, negative where that was passed.
    """

    operation: str
    group: str
    method: str
    code: str
    outcome: Outcome | None
    attempts: int
    retries: tuple[str, ...]
    elapsed: float
    idempotency_key: str | None
    request_id: str | None
    replayed: bool
    error: str | None
    start: CallStart | None = field(default=None, compare=False, repr=False)
    decline_reason: str | None = None
    time_left: float | None = None


class Observer(Protocol):
    """Told of every call; what it raises is logged and never reaches the merchant's payment."""

    def call_started(self, start: CallStart) -> Mapping[str, str] | None:
        """May return header fields to send along, such as ``traceparent``."""

    def call_ended(self, record: CallRecord) -> None: ...


class Gate(Protocol):
    """Asked before every attempt, fed once per call: the circuit breaker."""

    def admit(self, *, again: bool) -> NoReply | None:
        """None to let the attempt through, else why not. ``again``: a later attempt of a call it let through."""

    def leave(self, outage: bool | None, error: BaseException | None) -> None:
        """The call it let through ended: with an outage, without one, or (None) saying nothing about Molam."""
