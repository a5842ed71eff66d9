"""One source after the other, until one answers."""

from __future__ import annotations

from typing import Final

from ..exceptions import ConfigurationError
from .found import SecretSource, secrets_of
from .keeping import LOCAL, Keeping
from .source import KeptSource, label_of
from .tally import TALLY

__all__ = ["first"]


def first(*sources: SecretSource, keeping: Keeping | None = None) -> KeptSource:
    """The secrets of the first source that has some: one that fails, or has none, is passed over.

    Where none has any and one of them failed, its error is raised: it cannot be told that there is none. Answers are
    kept for as long as the least patient of the sources keeps its own, unless ``keeping`` says otherwise.
    """
    if not sources:
        raise ConfigurationError("first() wants one source at least")
    return _Chain(sources, keeping if keeping is not None else _keeping_of(sources))


class _Chain(KeptSource):
    """What ``first`` gives."""

    def __init__(self, sources: tuple[SecretSource, ...], keeping: Keeping) -> None:
        super().__init__(f"first({', '.join(label_of(source) for source in sources)})", keeping)
        self._sources: Final = sources

    def fetch(self, kid: str = "") -> tuple[bytes, ...]:
        failure: Exception | None = None
        for source in self._sources:
            try:
                found = secrets_of(source.fetch if isinstance(source, KeptSource) else source, kid)
            except Exception as problem:  # noqa: BLE001 - a source may raise anything; the next one is asked
                TALLY.count_failure(label_of(source))
                failure = failure or problem
                continue
            if found:
                return found
        if failure is not None:
            raise failure
        return ()


def _keeping_of(sources: tuple[SecretSource, ...]) -> Keeping:
    kept = [source.keeping for source in sources if isinstance(source, KeptSource)]
    waits = [keeping for keeping in kept if not keeping.local]
    if any(callable(source) and not isinstance(source, KeptSource) for source in sources):
        waits.append(Keeping())
    return min(waits, key=lambda keeping: keeping.ttl_seconds, default=LOCAL)
