"""What all sources are: asked for the secrets of a kid, with their last good answers kept."""

from __future__ import annotations

import inspect
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from .._frames import without_values
from ..exceptions import ConfigurationError
from .found import Secret, Secrets, SecretSource, secrets_of
from .keeping import REMOTE, Keeping
from .kept import KeptSecret
from .slots import Slots


class KeptSource(ABC):
    """A place that secrets are read from. Give it where an API key or a webhook's secrets are wanted.

    It is called with a kid, or with none for an API key, and answers from what it keeps; ``fetch`` asks the place
    itself. Of many kids it keeps 256, those first that exist, so that made-up ones neither fill the memory nor reach
    the place each time. ``label`` names it in metrics and logs, and holds no secret.
    """

    def __init__(
        self,
        label: str,
        keeping: Keeping = REMOTE,
        *,
        size: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not isinstance(keeping, Keeping):
            raise ConfigurationError(f"keeping must be a molam_sdk.secrets.Keeping, not {type(keeping).__name__}")
        self.label = label
        self.keeping = keeping
        self._clock = clock
        self._slots: Slots[Any] = Slots(self._slot, size)

    @abstractmethod
    def fetch(self, kid: str = "") -> Secrets:
        """Ask now: the secrets of the kid, the present one first; None or an empty tuple where there is none.

        Raises what says that it cannot tell: that is never taken for "there is none".
        """

    @without_values
    def __call__(self, kid: str = "") -> tuple[Secret, ...]:
        """The secrets of the kid, the present one first; what ``fetch`` raises, where nothing usable is known."""
        found: tuple[bytes, ...] = self._slots.of(kid).get()
        return found

    def forget(self, kid: str = "") -> None:
        """Drop what is kept of a kid: for a secret that leaked."""
        self._slots.forget(kid)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label}>"

    def __deepcopy__(self, _memo: dict[int, Any]) -> KeptSource:
        return self  # a configuration that is copied asks the same place

    def _slot(self, kid: str) -> KeptSecret[Any]:
        """What keeps the answers about a kid."""
        return KeptSecret(self.label, lambda _before: secrets_of(self.fetch, kid), self.keeping, clock=self._clock)


class CallableSource(KeptSource):
    """What a function answers, kept. It is given the kid, if it takes an argument.

    ::

        api_key = CallableSource(read_key_of_our_database, keeping=Keeping(ttl_seconds=60))
    """

    def __init__(
        self, function: Callable[..., Secrets], *, label: str | None = None, keeping: Keeping = REMOTE
    ) -> None:
        if not callable(function):
            raise ConfigurationError(f"a CallableSource wants a function, not a {type(function).__name__}")
        super().__init__(f"callable:{label or _name_of(function)}", keeping)
        self._function = function
        self._takes_kid = _takes_argument(function)

    def fetch(self, kid: str = "") -> Secrets:
        """What the function answers now."""
        return self._function(kid) if self._takes_kid else self._function()


def label_of(source: SecretSource) -> str:
    """What a source is called in metrics and logs."""
    if isinstance(source, KeptSource):
        return source.label
    return f"callable:{_name_of(source)}" if callable(source) else "fixed"


def _name_of(function: object) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def _takes_argument(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind("v1")
    except (TypeError, ValueError):
        return False
    return True
