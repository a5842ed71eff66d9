"""What the sources beyond the network share: a client made at first use, and made anew in a child process."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Final

from .._error_facts import causes_of
from .._forks import renew_after_fork
from .._frames import without_values
from .._interruption import raised_from_outside
from ..exceptions import ConfigurationError
from .found import Secrets
from .keeping import Keeping
from .names import checked_name, filled, picked
from .source import KeptSource

CONNECT_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 5.0


class RemoteSource(KeptSource):
    """A secret of a name, and where it is a JSON object or a mapping, one field of it. Both may hold ``{kid}``.

    ``client``: an instance of the library's client, or a function that makes one.
    """

    def __init__(self, kind: str, name: str, field: str | None, client: Any, keeping: Keeping) -> None:
        self._name = checked_name("name", name)
        self._field = None if field is None else checked_name("field", field)
        self._make: Callable[[], Any] = client if callable(client) else lambda: client
        self._client: Any = None
        renew_after_fork(self)
        super().__init__(f"{kind}:{name}{f'#{field}' if field else ''}", keeping)

    @abstractmethod
    def _read(self, name: str) -> Iterable[Any]:
        """The stored versions of a secret that count, each as text, bytes or a mapping; none where there is none."""

    def _spelt(self, kid: str) -> str:
        """A kid as it can stand in a name of this place."""
        return kid

    @without_values
    def fetch(self, kid: str = "") -> Secrets:
        """Ask for it now. What the library raises passes through, but where its text quotes a secret (a server that
        repeats the request, a file that cannot be read): that is a ``ConfigurationError`` with the text redacted."""
        name = filled(self._name, kid)
        if name is None:
            return ()
        try:
            stored = self._read(filled(self._name, self._spelt(kid)) or name)
        except Exception as problem:
            clean = _without_secrets(problem)
            if clean is None or raised_from_outside(problem):
                raise
        else:
            return tuple(secret for version in stored for secret in picked(version, self._field, kid))
        raise ConfigurationError(f"{self.label} cannot be read: {clean}")

    def after_fork(self) -> None:
        """The parent's connections are not this process's to use."""
        self._client = None

    def _connected(self) -> Any:
        if self._client is None:
            self._client = self._make()
        return self._client


def _without_secrets(problem: Exception) -> str | None:
    """What an error and those that it came of say, redacted; None where there is nothing to redact."""
    from ..redaction import redact_text  # on failure alone

    text = "; from ".join((f"{type(problem).__name__}: {problem}", *causes_of(problem)))
    clean = redact_text(text)
    return None if clean == text else clean
