"""The breaker of a client, also where other processes share its state: a storage that fails or hangs costs no call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeVar

import pybreaker

from .._aside import Aside
from .._core.wire import NoReply
from .._quiet_log import log
from .breaker import Breaker, Passage
from .settings import BreakerSettings

T = TypeVar("T")

# What a storage may take for one question. Redis on the same network takes less than a hundredth of it.
_STORAGE_SECONDS: Final = 0.1


def breaker_of(cb: pybreaker.CircuitBreaker, settings: BreakerSettings) -> Breaker:
    """The guard of a client's calls."""
    storage = cb._state_storage  # pyright: ignore[reportPrivateUsage]  # shown nowhere else
    kind = Breaker if type(storage) is pybreaker.CircuitMemoryStorage else SharedBreaker
    return kind(cb, half_open_probes=settings.half_open_probes, failure_rate=settings.failure_rate)


class SharedBreaker(Breaker):
    """Asks the storage in a thread of its own, for a tenth of a second at most.

    While it fails, hangs or is late, calls are let through and what they came to is not counted: a breaker that
    cannot be read is no reason to refuse a payment, let alone to lose its answer. One thread at most is left hanging.
    """

    _late: Aside[object] | None = None

    def refusal(self) -> NoReply | None:
        """See ``Breaker``; None where the storage does not say."""
        return self._in_time(super().refusal, None)

    def admit(self, passage: Passage) -> NoReply | None:
        """See ``Breaker``; None where the storage does not say."""
        ask = super().admit
        return self._in_time(lambda: ask(passage), None)

    def feed(self, outage: bool, error: BaseException | None, *, probe: bool) -> None:
        """See ``Breaker``; not counted where the storage does not answer."""
        count = super().feed
        self._in_time(lambda: count(outage, error, probe=probe), None)

    def end_probe(self, passage: Passage) -> None:
        """See ``Breaker``. The set of probes is weak, and a passage that has ended is forgotten where this is late."""
        end = super().end_probe
        self._in_time(lambda: end(passage), None)

    def after_fork(self) -> None:
        """See ``Breaker``; the thread that is late runs in the parent."""
        super().after_fork()
        self._late = None

    def _in_time(self, ask: Callable[[], T], otherwise: T) -> T:
        late = self._late
        if late is not None and not late.done:
            return otherwise
        asking: Aside[T] = Aside(ask)
        asking.start("molam-breaker-storage")
        if not asking.wait(_STORAGE_SECONDS):
            self._late = asking  # type: ignore[assignment]  # whatever it answers, nobody reads it
            self._say("is late")
            return otherwise
        try:
            return asking.result()
        except Exception:  # noqa: BLE001 - whatever the storage's library raises, the call goes on
            self._say("failed")
            return otherwise

    def _say(self, what: str) -> None:
        text = "the storage of circuit breaker %r %s: calls are let through, and not counted"
        log(logging.WARNING, text, self.cb.name, what, facts={"breaker": self.cb.name})
