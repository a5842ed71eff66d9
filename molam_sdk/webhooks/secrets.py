"""Where webhook secrets come from: the environment, and a cache that survives rotation."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from .._frames import without_values
from ..exceptions import ConfigurationError
from ..secrets.file import FileSource
from ..secrets.found import Secret, Secrets, SecretSource, secrets_of
from ..secrets.keeping import LOCAL, Keeping
from ..secrets.kept import KeptSecret
from ..secrets.names import KID, several
from ..secrets.source import KeptSource, label_of

__all__ = ["EnvironmentSecrets", "RotatingSecrets", "Secret", "SecretSource", "Secrets", "secrets_of"]

_FILE: Final = "_FILE"


class EnvironmentSecrets(KeptSource):
    """``MOLAM_WEBHOOK_SECRET_V1`` for kid ``v1``; several secrets with commas between.

    ``MOLAM_WEBHOOK_SECRET_V1_FILE`` names a file that holds them instead, as Docker and Kubernetes mount it. Both are
    read at each call, so a test, a reload or a swapped file counts at once.
    """

    def __init__(self, prefix: str = "MOLAM_WEBHOOK_SECRET_", environ: Mapping[str, str] | None = None) -> None:
        self._prefix = prefix
        self._environ = os.environ if environ is None else environ
        self._files: dict[str, FileSource] = {}
        super().__init__(f"environment:{prefix}", LOCAL)

    def __call__(self, kid: str = "") -> tuple[Secret, ...]:
        """The secrets of a kid now."""
        return self.fetch(kid)

    def fetch(self, kid: str = "") -> tuple[Secret, ...]:
        """The secrets of a kid; characters that a variable cannot have count as underscores."""
        variable = self._prefix + re.sub(r"[^A-Z0-9]", "_", kid.upper())
        if not KID.fullmatch(kid) or variable.endswith(_FILE):  # the path of a file is no secret
            return ()
        value, path = self._environ.get(variable, "").strip(), self._environ.get(variable + _FILE, "").strip()
        if not path:
            return several(value)
        if value:
            raise ConfigurationError(f"{variable} and {variable}{_FILE}: set one of them")
        return self._file(path)()

    def named_kids(self) -> list[str]:
        """The kids that variables are named after, whatever stands in them."""
        names = [name.removesuffix(_FILE) for name in list(self._environ) if name.startswith(self._prefix)]
        return [name.removeprefix(self._prefix).lower() for name in dict.fromkeys(names)]

    def _file(self, path: str) -> FileSource:
        known = self._files.get(path)
        if known is None:
            known = self._files[path] = FileSource(path)
        return known


class _Rotation(NamedTuple):
    """The present secrets of a kid, and those replaced with the time they are valid until."""

    present: tuple[bytes, ...]
    replaced: tuple[tuple[bytes, float], ...]

    def __bool__(self) -> bool:
        return bool(self.present or self.replaced)

    def usable(self, now: float) -> tuple[bytes, ...]:
        return self.present + tuple(secret for secret, until in self.replaced if now < until)


class RotatingSecrets(KeptSource):
    """A cache before a slow source (a vault, a database) that lets a replaced secret verify for a while longer.

    ``ttl_seconds``: how long an answer counts; it is renewed in the background before that. ``overlap_seconds``: how
    long a secret that the source no longer names still verifies, because deliveries signed with it are under way.
    A source that fails keeps what is known for ``stale_for`` seconds. That there is no secret for a kid is remembered
    for ``absent_for`` seconds, of ``size`` kids at most.
    """

    def __init__(
        self,
        source: SecretSource,
        *,
        ttl_seconds: float = 60.0,
        overlap_seconds: float = 86_400.0,
        stale_for: float = 86_400.0,
        absent_for: float = 5.0,
        size: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source.fetch if isinstance(source, KeptSource) else source
        self._overlap = overlap_seconds
        label = label_of(source)
        super().__init__(label, Keeping(ttl_seconds, stale_for, absent_for), size=size, clock=clock)

    @without_values
    def __call__(self, kid: str = "") -> tuple[bytes, ...]:
        """The secrets of a kid that verify now, the present ones first."""
        rotation: _Rotation = self._slots.of(kid).get()
        return rotation.usable(self._clock())

    def fetch(self, kid: str = "") -> tuple[bytes, ...]:
        """The secrets that the source names now."""
        return secrets_of(self._source, kid)

    def _slot(self, kid: str) -> KeptSecret[_Rotation]:
        return KeptSecret(self.label, lambda before: self._rotated(kid, before), self.keeping, clock=self._clock)

    def _rotated(self, kid: str, before: _Rotation | None) -> _Rotation:
        present, now = self.fetch(kid), self._clock()
        if before is None:
            return _Rotation(present, ())
        dropped = [(secret, now + self._overlap) for secret in before.present if secret not in present]
        still = [(secret, until) for secret, until in before.replaced if now < until and secret not in present]
        return _Rotation(present, (*dropped, *still))
