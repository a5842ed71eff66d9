"""Where webhook secrets come from: a mapping, a callable, the environment, and a cache that survives rotation."""

from __future__ import annotations

import inspect
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from .._forks import renew_after_fork

Secret: TypeAlias = str | bytes
"""A webhook secret exactly as Molam gave it, its ``whsec_`` prefix included."""

Secrets: TypeAlias = Secret | Iterable[Secret] | None
"""What a source knows of one kid: a secret, several (while one replaces another), or None."""

SecretSource: TypeAlias = Secret | Mapping[str, Any] | Callable[[str], Any]
"""One secret for every kid, a mapping from kid to secrets, or a callable that is given the kid."""

_KID: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


def secrets_of(source: SecretSource, kid: str) -> tuple[bytes, ...]:
    """The usable secrets of a kid as bytes, none if there are none; what the source raises passes through.

    An empty secret counts as none: an unset variable must not become a key that anybody can sign with.
    """
    if isinstance(source, str | bytes):
        found: Any = source
    elif isinstance(source, Mapping):
        found = source.get(kid)
    else:
        found = source(kid)
    if found.__class__ is str:
        return (found.encode(),) if found else ()
    return tuple(_as_bytes(found))


def _as_bytes(found: Any) -> Iterable[bytes]:
    if found is None:
        return
    if inspect.iscoroutine(found):
        found.close()
        raise TypeError("the callable that finds secrets must not be async")
    for secret in (found,) if isinstance(found, str | bytes | bytearray) else tuple(found):
        key = secret.encode() if isinstance(secret, str) else bytes(memoryview(secret))
        if key:
            yield key


class EnvironmentSecrets:
    """Secrets from the environment: kid ``v1`` is ``MOLAM_WEBHOOK_SECRET_V1``; several stand with commas between.

    The environment is read at each call, so a test or a reload that changes it counts at once.
    """

    def __init__(self, prefix: str = "MOLAM_WEBHOOK_SECRET_", environ: Mapping[str, str] | None = None) -> None:
        self._prefix = prefix
        self._environ = os.environ if environ is None else environ

    def __call__(self, kid: str) -> tuple[str, ...]:
        """The secrets of a kid; characters that a variable cannot have count as underscores."""
        if not _KID.fullmatch(kid):
            return ()
        value = self._environ.get(self._prefix + re.sub(r"[^A-Z0-9]", "_", kid.upper()), "")
        return tuple(secret for secret in map(str.strip, value.split(",")) if secret)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a kid: the present secrets, and those replaced with the time they are valid until."""

    present: tuple[bytes, ...]
    replaced: tuple[tuple[bytes, float], ...]
    fresh_until: float

    def usable(self, now: float) -> tuple[bytes, ...]:
        return self.present + tuple(secret for secret, until in self.replaced if now < until)


class RotatingSecrets:
    """A cache before a slow source (a vault, a database) that lets a replaced secret verify for a while longer.

    ``ttl_seconds``: how long an answer counts before the source is asked again. ``overlap_seconds``: how long a
    secret that the source no longer names still verifies, because deliveries signed with it are under way.
    A source that fails keeps what is known; kids it never knew are remembered too, ``size`` kids at most, so that
    made-up kids neither fill the memory nor reach the source each time.
    """

    def __init__(
        self,
        source: SecretSource,
        *,
        ttl_seconds: float = 60.0,
        overlap_seconds: float = 86_400.0,
        size: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._clock, self._size = source, clock, size
        self._ttl, self._overlap = ttl_seconds, overlap_seconds
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """A lock that the parent held at the fork would stay locked here for ever."""
        self._lock = threading.Lock()

    def __call__(self, kid: str) -> tuple[bytes, ...]:
        """The secrets of a kid that verify now, the present ones first."""
        now = self._clock()
        with self._lock:
            known = self._known.get(kid)
        if known is None or now >= known.fresh_until:
            known = self._refreshed(kid, known, now)
            self._remember(kid, known)
        return known.usable(now)

    def forget(self, kid: str) -> None:
        """Drop what is known of a kid, replaced secrets included: for a secret that leaked."""
        with self._lock:
            self._known.pop(kid, None)

    def _refreshed(self, kid: str, known: _Known | None, now: float) -> _Known:
        try:
            present = secrets_of(self._source, kid)
        except Exception:
            # A vault that is down must not turn away deliveries that are signed with what it said before.
            if known is None:
                raise
            return _Known(known.present, known.replaced, now + self._ttl)
        if known is None:
            return _Known(present, (), now + self._ttl)
        dropped = [(secret, now + self._overlap) for secret in known.present if secret not in present]
        still = [(secret, until) for secret, until in known.replaced if now < until and secret not in present]
        return _Known(present, (*dropped, *still), now + self._ttl)

    def _remember(self, kid: str, known: _Known) -> None:
        with self._lock:
            self._known[kid] = known
            if len(self._known) > self._size:
                # Kids that nobody has go first, so that made-up ones push out no real one.
                stranger = next((k for k, v in self._known.items() if not v.present and not v.replaced), None)
                self._known.pop(stranger if stranger is not None else next(iter(self._known)))
