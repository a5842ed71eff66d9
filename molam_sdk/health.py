"""Whether this process can take payments, for the probes of an orchestrator. Molam itself is never asked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import Any, Final, Literal, Protocol
from weakref import ref

import pybreaker

from ._cached_answer import CachedAnswer, ask_store
from ._client_state import ClientState
from .cb import NamedBreaker, breakers
from .metrics import MetricsObserver
from .receiver import WebhookReceiver
from .store import Claim, Store
from .store.events import EventClaims

__all__ = ["Check", "Health", "HealthReport", "HealthStatus"]

HealthStatus = Literal["ok", "degraded", "failing"]
"""``degraded``: payments may fail, and other processes are no better off. ``failing``: this one is broken."""

_ORDER: Final[tuple[HealthStatus, ...]] = ("ok", "degraded", "failing")
_GOOD_FOR: Final = 5.0
_MOST_NAMED: Final = 20
_PATIENCE: Final = 0.3  # a probe of Kubernetes gives up after a second
_BREAKER: Final[Mapping[str, HealthStatus]] = {
    pybreaker.STATE_CLOSED: "ok",
    pybreaker.STATE_HALF_OPEN: "degraded",
    pybreaker.STATE_OPEN: "degraded",
}


class CheckedClient(Protocol):
    """A client of either kind, with a breaker or without."""

    @property
    def _state(self) -> ClientState: ...


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``facts`` hold no secret."""

    status: HealthStatus
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """How the process stands. ``timestamp``: Unix seconds; ``duration_ms``: what the look took."""

    status: HealthStatus
    checks: Mapping[str, Check]
    timestamp: float
    duration_ms: float

    @property
    def http_status(self) -> int:
        """200, or 503 where the process should get no traffic. ``degraded`` is 200: taking every process out of
        service because Molam is down would turn its outage into the whole shop's."""
        return 503 if self.status == "failing" else 200

    def to_dict(self) -> dict[str, Any]:
        """As the views show it."""
        return {
            "status": self.status,
            "checks": {name: {"status": check.status, **check.facts} for name, check in self.checks.items()},
            "timestamp": datetime.fromtimestamp(self.timestamp, timezone.utc).isoformat(timespec="milliseconds"),
            "duration_ms": round(self.duration_ms, 3),
        }


class Health:
    """Looks at clients and receivers of this process: breaker, API key, journal, webhooks' store, last success; and at
    the breakers that other clients of this process share by name, those made for one request each among them.

    Databases, and a breaker's shared storage, are asked aside, at most every five seconds, and waited for a third of a
    second: a probe never hangs.
    """

    def __init__(self, *parts: CheckedClient | WebhookReceiver) -> None:
        self._checks: dict[str, Callable[[], Check]] = {}
        self._guarded: list[Any] = [part for part in parts if hasattr(part, "cb")]
        for part in parts:
            checks = _of_receiver(part) if isinstance(part, WebhookReceiver) else _of_client(part)
            for name, check in checks:
                self._checks[self._free(name)] = check

    def liveness(self) -> HealthReport:
        """Whether the process answers at all: what restarts it must look at nothing that a restart does not mend."""
        return HealthReport("ok", {}, time.time(), 0.0)

    def readiness(self) -> HealthReport:
        """Whether it should get traffic."""
        began = time.perf_counter()
        checks = {name: check() for name, check in self._checks.items()}
        if others := self._other_breakers():
            checks["breakers"] = _breakers(others)
        found = [_ORDER.index(check.status) for check in checks.values()]
        worst = _ORDER[max(found, default=0)]
        return HealthReport(worst, checks, time.time(), (time.perf_counter() - began) * 1000)

    def _other_breakers(self) -> list[NamedBreaker]:
        """Those that no client which was given stands behind."""
        shown = {id(client.cb) for client in self._guarded}
        return [breaker for breaker in breakers() if id(breaker.cb) not in shown]

    def _free(self, name: str) -> str:
        """The name, numbered from the second of its kind on."""
        numbered = (f"{name}_{number}" for number in range(2, len(self._checks) + 3))
        return name if name not in self._checks else next(one for one in numbered if one not in self._checks)


def _of_client(client: Any) -> Iterator[tuple[str, Callable[[], Check]]]:
    state = client._state
    yield "client", lambda: Check("failing", {"state": "closed"}) if state.closed.is_set() else Check("ok")
    yield "api_key", partial(_api_key, state)
    if (breaker := getattr(client, "cb", None)) is not None:
        yield "breaker", partial(_breaker, client, _asked(breaker, lambda one: str(one.current_state)))
    if state.journal is not None and hasattr(state.journal.store, "figures"):
        severity: HealthStatus = "failing" if state.config.journal_required else "degraded"
        yield "journal", partial(_store, _asked(state.journal.store, lambda store: store.figures()), severity)
    for observer in client._observers:
        if isinstance(observer, MetricsObserver):
            yield "last_success", partial(_last_success, observer)


def _of_receiver(receiver: WebhookReceiver) -> Iterator[tuple[str, Callable[[], Check]]]:
    yield "webhook_store", partial(_store, _asked(receiver.store, _touch), "failing")


def _api_key(state: ClientState) -> Check:
    left = state.key.seconds_left()
    if left is not None and left <= 0:
        return Check("failing", {"seconds_left": round(left)})
    known = state.key.authorization() is not None or any(name.lower() == "authorization" for name in state.headers)
    facts = {"known": known} if left is None else {"known": known, "seconds_left": round(left)}
    return Check("ok" if known or callable(state.config.api_key) else "failing", facts)


def _breaker(client: Any, asked: CachedAnswer[str | None]) -> Check:
    """Of the address that the client calls now; one that it was given stays, and is asked aside where it is shared."""
    breaker: pybreaker.CircuitBreaker = client.cb
    in_memory = isinstance(breaker._state_storage, pybreaker.CircuitMemoryStorage)  # pyright: ignore[reportPrivateUsage]  # shown nowhere else
    state = str(breaker.current_state) if in_memory else asked.known().value
    return Check(_BREAKER.get(state or "", "ok"), {"name": breaker.name, "state": state})


def _breakers(named: list[NamedBreaker]) -> Check:
    """How many stand how, and some of those that are not closed."""
    states = [str(one.cb.current_state) for one in named]
    not_closed = [
        f"{one.name} at {one.base_url} is {state}"
        for one, state in zip(named, states, strict=True)
        if state != pybreaker.STATE_CLOSED
    ]
    statuses: list[HealthStatus] = [_BREAKER.get(state, "ok") for state in states]
    return Check(
        max(statuses, key=_ORDER.index),
        {**Counter(states), **({"not_closed": not_closed[:_MOST_NAMED]} if not_closed else {})},
    )


def _store(asked: CachedAnswer[Any], severity: HealthStatus) -> Check:
    known = asked.known()
    return Check("ok") if known.problem is None else Check(severity, {"problem": known.problem})


def _last_success(observer: MetricsObserver) -> Check:
    at = observer.last_success_at
    return Check("ok", {"seconds_ago": None if at is None else round(time.monotonic() - at, 1)})


def _asked(thing: Any, question: Callable[[Any], Any]) -> CachedAnswer[Any]:
    return CachedAnswer(partial(ask_store, ref(thing), question), good_for=_GOOD_FOR, patience=_PATIENCE)


def _touch(store: Store) -> None:
    """Have the store answer. One without an inbox is asked to renew what nobody has: that changes nothing."""
    if isinstance(store, EventClaims):
        store.inbox.figures()
    else:
        store.renew(Claim("molam_health", "health.probe", "nobody", None, 0.0), 0.0, ())
