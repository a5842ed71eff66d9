"""The idempotency keys whose outcome is in doubt, and those in use: what one call leaves to the next under its key."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol
from weakref import ref

from ..exceptions import Doubt, MolamError, RequestValidationError, SentRequest
from .invocation import Invocation
from .rules import STRENGTH

KEY_LIFETIME_SECONDS: Final = 24 * 3600
_MARGIN: Final = 3600
_CLOCK_SKEW: Final = 300


class Doubts(Protocol):
    """What remembers doubts: in this process, or, by a journal, across processes and restarts."""

    def begin(self, invocation: Invocation[Any]) -> Doubt | None:
        """A call begins: what is in doubt under its key. ``RequestValidationError`` where that is another request's."""

    def end(self, invocation: Invocation[Any], doubt: Doubt | None, *, settled: bool) -> Doubt | None:
        """The call of this invocation ended: in doubt, or ``settled`` by a definite answer, or neither. What is in
        doubt under its key now, also by other calls. Told again, it changes nothing."""

    def find(self, key: str) -> Doubt | None:
        """What is in doubt under a key."""

    def age(self, key: str | None) -> float | None:
        """Seconds since a key was first used, where that is known better than by wall clocks."""

    def all(self) -> tuple[Doubt, ...]: ...  # everything in doubt, the oldest first


class _Entry:
    """A key: what it was first used for and when, the calls that use it now, and the doubt that one has left."""

    __slots__ = ("calls", "doubt", "since", "used_at", "used_for")

    def __init__(self, invocation: Invocation[Any], since: float) -> None:
        self.used_for = (invocation.operation, invocation.path, invocation.body, invocation.idempotency_key)
        self.since = since
        self.used_at = time.time()
        self.doubt: Doubt | None = None
        self.calls = [ref(invocation)]

    @property
    def running(self) -> bool:
        """Whether a call uses it. One that was torn away before it could begin or end uses it no more."""
        return any(call() is not None for call in self.calls)

    def begin(self, invocation: Invocation[Any]) -> None:
        """Another call uses it."""
        self.calls = [call for call in self.calls if call() is not None]
        self.calls.append(ref(invocation))

    def end(self, invocation: Invocation[Any], doubt: Doubt | None, *, settled: bool) -> None:
        """A call uses it no more; one that learned nothing leaves the doubt of others."""
        if not any(call() is invocation for call in self.calls):
            return
        self.doubt = None if settled else stronger(self.doubt, doubt)
        self.calls = [call for call in self.calls if call() is not invocation]

    def in_doubt(self) -> Doubt | None:
        """The doubt that was left, or that a call which still runs may leave."""
        if self.doubt is not None or not self.running:
            return self.doubt
        operation, path, body, key = self.used_for
        request = SentRequest(operation.name, operation.method, path, body, key)
        return Doubt("unknown", request, self.used_at, None, None)


class DoubtMemory:
    """Remembers up to ``capacity`` keys, those longest unused forgotten first. Safe for threads, and after a fork."""

    def __init__(self, capacity: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()  # held for operations of the dict alone

    def begin(self, invocation: Invocation[Any]) -> Doubt | None:
        """See ``Doubts``. A call that is still running under the key leaves what comes after it in doubt, too."""
        key = invocation.idempotency_key or ""
        with self._lock:
            entry = self._entries.pop(key, None)
            if entry is None or (entry.doubt is None and not entry.running):
                self._entries[key] = _Entry(invocation, self._clock())
                if len(self._entries) > self._capacity:
                    del self._entries[next(iter(self._entries))]
                return None
            self._entries[key] = entry
            if _is_same(entry, invocation):
                doubt = entry.in_doubt()
                entry.begin(invocation)
                return doubt
        raise RequestValidationError(
            f"idempotency key {key!r} is in use, or in doubt, for another {entry.used_for[0].name}: "
            "a key belongs to one operation and one body. Resolve that one first, or use a new key for this one"
        )

    def end(self, invocation: Invocation[Any], doubt: Doubt | None, *, settled: bool) -> Doubt | None:
        """See ``Doubts``."""
        key = invocation.idempotency_key or ""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return doubt
            if settled and len(entry.calls) == 1 and entry.calls[0]() is invocation:
                del self._entries[key]
                return None
            entry.end(invocation, doubt, settled=settled)
            left = entry.in_doubt()
            if left is None:
                del self._entries[key]
        return left

    def find(self, key: str) -> Doubt | None:
        """See ``Doubts``; of a call that is still running, too."""
        with self._lock:
            entry = self._entries.get(key or "")
            return None if entry is None else entry.in_doubt()

    def tell(self, invocation: Invocation[Any], refused: MolamError) -> None:
        """Have the error of a call that could not begin say what is in doubt about the very same, under its key."""
        left = self.find(invocation.idempotency_key or "")
        if left is None or left.request != request_of(invocation):
            return
        refused.outcome, refused.request, refused.operation = left.outcome, left.request, left.request.operation
        refused.idempotency_key, refused.first_used_at = left.idempotency_key, left.first_used_at
        refused.account, refused.base_url = left.account, left.base_url

    def age(self, key: str | None) -> float | None:
        """See ``Doubts``."""
        with self._lock:
            entry = self._entries.get(key or "")
        return None if entry is None else self._clock() - entry.since

    def all(self) -> tuple[Doubt, ...]:
        """See ``Doubts``."""
        with self._lock:
            entries = tuple(self._entries.values())
        found = [entry.doubt for entry in entries if entry.doubt is not None]
        return tuple(sorted(found, key=lambda doubt: doubt.first_used_at))

    def after_fork(self) -> None:
        """A child goes on with its parent's doubts, and a lock of its own."""
        self._lock = threading.Lock()


def stronger(one: Doubt | None, other: Doubt | None) -> Doubt | None:
    """What two sources know of one key: the stronger outcome, the earlier use."""
    if one is None or other is None:
        return one or other
    first = max(one, other, key=lambda doubt: STRENGTH[doubt.outcome])
    return Doubt(
        first.outcome,
        first.request,
        min(one.first_used_at, other.first_used_at),
        one.account or other.account,
        one.base_url or other.base_url,
    )


def refuse_unless_safe(doubt: Doubt, age: float | None, account: str | None, base_url: str) -> None:
    """``RequestValidationError`` where asking again could carry it out twice: at another host, for another account, or
    after Molam has forgotten the key. ``account`` None: any."""
    if doubt.base_url is not None and doubt.base_url != base_url:
        raise RequestValidationError(
            f"this was sent to {doubt.base_url}, and this client sends to {base_url}, where the idempotency key "
            "is unknown: asking there could carry it out twice. Use a client for the same base URL"
        )
    if account is not None and doubt.account is not None and doubt.account != account:
        raise RequestValidationError(another_account(doubt.account, account))
    if doubt.request.method != "GET":
        _refuse_old(doubt.first_used_at, age)


def another_account(first: str | None, now: str | None) -> str:
    """Why a call must not be made with this API key; both are fingerprints."""
    return (
        f"this was sent for account {first}, and this client's API key is of account {now} (both are "
        "fingerprints): asking with it could carry it out twice. Use the same account; if only the key was "
        "replaced, resolve(error, same_account=True)"
    )


def _refuse_old(first_used_at: float, age: float | None) -> None:
    by_wall_clock = time.time() - first_used_at
    hours = max(by_wall_clock, age or 0.0) / 3600
    if hours > (KEY_LIFETIME_SECONDS - _MARGIN) / 3600:
        raise RequestValidationError(
            f"the idempotency key was first used {hours:.0f} h ago and Molam forgets keys after 24 h: "
            "asking again could carry it out twice. Look it up with the list operations instead"
        )
    if age is None and by_wall_clock < -_CLOCK_SKEW:
        raise RequestValidationError(
            "by this machine's clock the idempotency key was first used in the future, so its age is unknown, and "
            "Molam forgets keys after 24 h: set the clock, or look it up with the list operations"
        )


def request_of(invocation: Invocation[Any]) -> SentRequest:
    """What a call asks for, in the form that errors carry."""
    operation = invocation.operation
    return SentRequest(operation.name, operation.method, invocation.path, invocation.body, invocation.idempotency_key)


def _is_same(entry: _Entry, other: Invocation[Any]) -> bool:
    operation, path, body, _key = entry.used_for
    return operation.name == other.operation.name and path == other.path and body == other.body
