"""What metrics tell of a journal: how many calls are in doubt, and for how long; its database is asked at a scrape."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final, Protocol, TypeVar
from weakref import WeakKeyDictionary, ref

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.metrics_core import GaugeMetricFamily

from ._cached_answer import CachedAnswer, Known, ask_store
from .journal.figures import JournalFigures

T = TypeVar("T")

_LOOK_EVERY: Final = 10.0
_ENTRIES: Final = (
    "molam_sdk_journal_entries",
    "Calls in the journal that have no certain end: running, in doubt, or in doubt too long to be asked again.",
)
_OLDEST: Final = (
    "molam_sdk_journal_oldest_doubt_seconds",
    "Seconds since the first use of the oldest key in doubt, those for review included; 0 where none is.",
)
_READABLE: Final = ("molam_sdk_journal_readable", "1 while the journal's database answers, 0 while it does not.")


class HasFigures(Protocol):
    """A journal's store that can say how it stands."""

    def figures(self) -> JournalFigures: ...


class JournalMetrics:
    """The series of the journals of one registry. Clients of one journal show the same; of several journals the
    largest figure counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._watched: list[tuple[CachedAnswer[JournalFigures | None], Callable[[], bool]]] = []
        registry.register(self)

    def watch(self, store: HasFigures, ended: Callable[[], bool]) -> None:
        """Show this journal until ``ended``, or nobody holds it any more. One that is asked in steps of an event loop
        is left out: a scrape is on none."""
        from .store.database import SteppedDatabase

        if isinstance(getattr(store, "database", None), SteppedDatabase):
            return
        held = ref(store)
        ask = CachedAnswer(partial(ask_store, held, _figures), good_for=_LOOK_EVERY)
        self._watched.append((ask, lambda: held() is None or ended()))

    def describe(self) -> Iterable[Metric]:
        """Asked by the registry, which takes each name once."""
        for name, words in (_ENTRIES, _OLDEST, _READABLE):
            yield GaugeMetricFamily(name, words)

    def collect(self) -> Iterable[Metric]:
        """Asked at every scrape."""
        known = list(self._look())
        figures = [each.value for each in known if each.value is not None]
        entries = GaugeMetricFamily(*_ENTRIES, labels=("state",))
        oldest, readable = GaugeMetricFamily(*_OLDEST), GaugeMetricFamily(*_READABLE)
        for state in ("running", "in_doubt", "review") if known else ():
            entries.add_metric((state,), max((getattr(one, state) for one in figures), default=0))
        if known:
            oldest.add_metric((), max((one.oldest_doubt_seconds for one in figures), default=0.0))
            readable.add_metric((), float(all(each.problem is None for each in known)))
        return entries, oldest, readable

    def _look(self) -> Iterator[Known[JournalFigures | None]]:
        self._watched = [(ask, ended) for ask, ended in self._watched if not ended()]
        for ask, _ended in self._watched:
            yield ask.known()


def _figures(store: HasFigures) -> JournalFigures:
    return store.figures()


_by_registry: Final[WeakKeyDictionary[CollectorRegistry, JournalMetrics]] = WeakKeyDictionary()
_making: Final = threading.Lock()


def watch(store: object, registry: CollectorRegistry | None, ended: Callable[[], bool]) -> None:
    """As ``molam_sdk.metrics.watch_journal``, which loads this where there is a journal."""
    if not callable(getattr(store, "figures", None)):
        return
    registry = REGISTRY if registry is None else registry
    with _making:
        metrics = _by_registry.get(registry)
        if metrics is None:
            metrics = _by_registry[registry] = JournalMetrics(registry)
        metrics.watch(store, ended)  # type: ignore[arg-type]  # it has figures
