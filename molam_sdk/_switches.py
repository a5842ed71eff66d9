"""Switches that stop calls without a deploy: asked before every call, and on unless somebody says otherwise."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ._core.operations import BY_NAME, GROUPS
from ._core.record import Gate
from ._core.wire import Failure, NoReply
from ._interruption import raised_from_outside
from ._quiet_log import log
from ._shown import meant
from .config import ClientConfig
from .exceptions import ConfigurationError

ALL: Final = "all"
NAMES: Final = (ALL, *GROUPS, *BY_NAME)
"""What can be switched off."""

_LOOK_EVERY: Final = 0.5


def flag_of(name: str) -> str:
    """As a system of feature flags calls it: ``molam.payouts.enabled``."""
    return f"molam.{name}.enabled"


def switches_of(config: ClientConfig) -> Switches | None:
    """The switches of a client; None where nobody can switch anything."""
    sources: list[Callable[[str], object]] = []
    if config.switched_off:
        off = frozenset(_listed(config.switched_off))
        for name in off:
            if name not in NAMES:
                raise ConfigurationError(f"switched_off: unknown group or operation{meant(name, NAMES)}")
        sources.append(lambda name: name not in off)
    if config.switches_file is not None:
        sources.append(_File(config.switches_file))
    if config.switches is not None:
        ask = config.switches
        sources.append(lambda name: ask(flag_of(name)))
    return Switches(sources) if sources else None


class Switches:
    """Asks its sources of a group and an operation. One that raises counts as it last answered, or as on."""

    def __init__(self, sources: list[Callable[[str], object]]) -> None:
        self._sources = [_LastAnswers(source) for source in sources]
        self._off: set[str] = set()

    def gate(self, group: str, operation: str) -> Gate | None:
        """What refuses a call that is switched off; None where it may be made."""
        off = [name for name in (ALL, group, operation) if self._is_off(name)]
        return _Closed(off[0]) if off else None

    def _is_off(self, name: str) -> bool:
        off = any(source.is_off(name) for source in self._sources)
        if off != (name in self._off):
            (self._off.add if off else self._off.discard)(name)
            level, state = (logging.WARNING, "off") if off else (logging.INFO, "on again")
            log(level, "%s is switched %s", name, state, facts={"switch": flag_of(name)})
        return off


class _LastAnswers:
    """A source, and what it last said of each name."""

    def __init__(self, source: Callable[[str], object]) -> None:
        self._source = source
        self._known: dict[str, bool] = {}
        self._failed = False

    def is_off(self, name: str) -> bool:
        try:
            self._known[name] = self._source(name) is False
            self._failed = False
        except Exception as problem:
            if raised_from_outside(problem):
                raise
            if not self._failed:
                log(logging.WARNING, "a source of switches failed: what it said last counts", exc_info=True)
            self._failed = True
        return self._known.get(name, False)


class _File:
    """Names of what is off, one a line; looked at twice a second. One that is not there yet switches nothing."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._off: frozenset[str] | None = None
        self._look_at = 0.0

    def __call__(self, name: str) -> bool:
        if time.monotonic() >= self._look_at:
            self._look()
        return self._off is None or name not in self._off

    def _look(self) -> None:
        try:
            off = frozenset(_listed(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            if self._off:  # gone with its folder, or by mistake: a stop is lifted by an empty file
                raise
            off = frozenset()
        if unknown := off - frozenset(NAMES) - (self._off or frozenset()):
            log(logging.WARNING, "the file of switches names no group or operation", facts={"unknown": sorted(unknown)})
        self._off, self._look_at = off, time.monotonic() + _LOOK_EVERY


class _Closed:
    """Lets nothing through."""

    def __init__(self, name: str) -> None:
        self._name = name

    def admit(self, *, again: bool) -> NoReply | None:
        return NoReply(Failure.SWITCHED_OFF, f"{self._name} is switched off ({flag_of(self._name)})")

    def leave(self, outage: bool | None, error: BaseException | None) -> None:
        """It was never entered."""


def _listed(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from (name.strip() for name in line.partition("#")[0].split(",") if name.strip())
