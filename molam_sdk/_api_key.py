"""The API key of a client: fixed, or asked of a source, and renewed before it expires."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._aside import Aside
from ._core.wire import Hidden
from ._service_token import TOLERANCE_SECONDS, expires_at
from .config import ApiKey, check_api_key
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from .secrets.kept import KeptSecret

_BEARER = "Bearer "


class ApiKeySource:
    """Gives the Authorization of each request.

    A callable or a source runs aside, once for all calls that wait for it, each no longer than its deadline: at first
    use, ahead of the time when the key expires, and once more after a 401. One that has run for too long is given up:
    the next call has it run again, and what it answers late is ignored. ``check``: refuses what must not be sent.
    """

    def __init__(self, key: ApiKey, check: Callable[[str], str] = check_api_key) -> None:
        self._check = check
        self._fixed: str | None = None
        self._kept: KeptSecret[str] | None = None
        self._expires_at: float | None = None
        if callable(key):
            self._kept = self._keep(key)
        elif key is not None:
            self._fixed = Hidden(_BEARER + check(key))
            self._expires_at = expires_at(key)
        if self.changes:
            from .secrets.tally import TALLY

            TALLY.watch_key(self)

    @property
    def changes(self) -> bool:
        """Whether the same Authorization need not hold for all requests."""
        return self._kept is not None or self._expires_at is not None

    def authorization(self) -> str | None:
        """The Authorization header; None where there is no key, or none yet."""
        if self._kept is not None:
            return self._kept.peek()
        return None if _is_over(self._expires_at) else self._fixed

    def ask(self, refused: str = "") -> Aside[str] | None:
        """The asking for another Authorization than the refused one, or for the first; None where the key is fixed."""
        if self._kept is not None:
            return self._kept.renew(refused or None)
        if not _is_over(self._expires_at):
            return None
        refusal: Aside[str] = Aside(self._refuse)
        refusal.run()
        return refusal

    def seconds_left(self) -> float | None:
        """Until the key expires, by this machine's clock; None where that is not known."""
        known = self._kept.last() if self._kept is not None else self._fixed
        expiry = None if known is None else expires_at(known.removeprefix(_BEARER))
        return None if expiry is None else expiry - time.time()

    def _keep(self, source: Callable[..., Any]) -> KeptSecret[str]:
        from ._service_token import token_life
        from .secrets.keeping import ON_DEMAND
        from .secrets.kept import KeptSecret
        from .secrets.source import KeptSource, label_of

        label, keeping, ask = label_of(source), ON_DEMAND, source
        if isinstance(source, KeptSource):
            keeping, ask = source.keeping, source.fetch
        return KeptSecret(
            label,
            lambda _before: self._asked(ask, label),
            keeping,
            life=lambda authorization: token_life(authorization.removeprefix(_BEARER)),
        )

    def _asked(self, ask: Callable[[], Any], label: str) -> str:
        from .secrets.found import secrets_of

        found = secrets_of(lambda _kid: ask(), "")
        if not found:
            raise ConfigurationError(f"{label} has no API key")
        key = self._check(found[0].decode("latin-1"))  # what is not ASCII is refused, in words of ours
        if _is_over(expires_at(key)):
            raise _expired(expires_at(key))
        return Hidden(_BEARER + key)

    def _refuse(self) -> str:
        raise _expired(self._expires_at)


def _is_over(expiry: float | None) -> bool:
    """Whether a token has expired, by any clock that could be meant: one that is only just over is Molam's to judge."""
    return expiry is not None and time.time() > expiry + TOLERANCE_SECONDS


def _expired(expiry: float | None) -> ConfigurationError:
    ago = time.time() - (expiry or 0.0)
    return ConfigurationError(
        f"the service token (jwt_…) expired {ago:.0f} s ago by this machine's clock: give a new one by set_api_key, or "
        "a source that renews it"
    )
