"""What metrics tell of a journal: how many calls are in doubt, and for how long; its database is asked at a scrape."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from weakref import WeakKeyDictionary, ref

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.metrics_core import GaugeMetricFamily

from ._cached_answer import CachedAnswer, Known, ask_store
from .journal.figures import JournalFigures, OutboxFigures

if TYPE_CHECKING:
    from .store.outbox import OutboxEntries

T = TypeVar("T")

LOOK_EVERY: Final = 10.0
_OUTBOX_STATES: Final = {"waiting": "queued", "failed": "failed", "untold": "untold"}
_ENTRIES: Final = (
    "molam_sdk_journal_entries",
    "Calls in the journal that have no certain end: running, in doubt, or in doubt too long to be asked again.",
)
_OLDEST: Final = (
    "molam_sdk_journal_oldest_doubt_seconds",
    "Seconds since the first use of the oldest key in doubt, those for review included; 0 where none is.",
)
_OUTBOX: Final = (
    "molam_sdk_outbox_operations",
    "Operations of the outbox: waiting for a worker, failed and tried again, or ended and not told to the shop yet.",
)
_OLDEST_QUEUED: Final = (
    "molam_sdk_outbox_oldest_seconds",
    "Seconds that the oldest operation of the outbox has waited to be made; 0 where none waits.",
)
_READABLE: Final = ("molam_sdk_journal_readable", "1 while the journal's database answers, 0 while it does not.")


class HasFigures(Protocol):
    """A journal's store that can say how it stands."""

    def figures(self) -> JournalFigures: ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """How a journal stands, and its outbox, where it has one."""

    journal: JournalFigures
    outbox: OutboxFigures


class JournalMetrics:
    """The series of the journals of one registry. Clients of one journal show the same; of several journals the
    largest figure counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._watched: list[tuple[CachedAnswer[_Seen | None], Callable[[], bool]]] = []
        registry.register(self)

    def watch(self, store: HasFigures, ended: Callable[[], bool]) -> None:
        """Show this journal until ``ended``, or nobody holds it any more."""
        held = ref(store)
        ask = stepped_answer(store, _figures) or CachedAnswer(partial(ask_store, held, _figures), good_for=LOOK_EVERY)
        self._watched.append((ask, lambda: held() is None or ended()))

    def describe(self) -> Iterable[Metric]:
        """Asked by the registry, which takes each name once."""
        for name, words in (_ENTRIES, _OLDEST, _OUTBOX, _OLDEST_QUEUED, _READABLE):
            yield GaugeMetricFamily(name, words)

    def collect(self) -> Iterable[Metric]:
        """Asked at every scrape."""
        known = [each for each in self._look() if each != Known(None)]  # which was not asked yet
        seen = [each.value for each in known if each.value is not None]
        journals, outboxes = [one.journal for one in seen], [one.outbox for one in seen]
        entries, oldest = GaugeMetricFamily(*_ENTRIES, labels=("state",)), GaugeMetricFamily(*_OLDEST)
        outbox, oldest_queued = GaugeMetricFamily(*_OUTBOX, labels=("state",)), GaugeMetricFamily(*_OLDEST_QUEUED)
        readable = GaugeMetricFamily(*_READABLE)
        if known:
            for state in ("running", "in_doubt", "review"):
                entries.add_metric((state,), _largest(journals, state))
            for state, figure in _OUTBOX_STATES.items():
                outbox.add_metric((state,), _largest(outboxes, figure))
            oldest.add_metric((), _largest(journals, "oldest_doubt_seconds"))
            oldest_queued.add_metric((), _largest(outboxes, "oldest_seconds"))
            readable.add_metric((), float(all(each.problem is None for each in known)))
        return entries, oldest, outbox, oldest_queued, readable

    def _look(self) -> Iterator[Known[_Seen | None]]:
        self._watched = [(ask, ended) for ask, ended in self._watched if not ended()]
        for ask, _ended in self._watched:
            yield ask.known()


def stepped_answer(store: Any, question: Callable[[Any], T]) -> CachedAnswer[T | None] | None:
    """The answer of a store that is asked in steps of an event loop, on the loop that used it last: nobody waits for
    it, who may be on that loop, and a scrape shows what the one before has asked. None for any other store."""
    from .store.database import SteppedDatabase

    database = getattr(store, "database", None)
    if not isinstance(database, SteppedDatabase):
        return None
    held = ref(store)

    def ask() -> T | None:
        found = held()
        return None if found is None else found.database.ask_from_thread(partial(question, found))

    return CachedAnswer(ask, good_for=LOOK_EVERY, patience=0.0, late_after=LOOK_EVERY)


def _figures(store: HasFigures) -> _Seen:
    outbox: OutboxEntries | None = getattr(store, "outbox", None)
    return _Seen(store.figures(), OutboxFigures(0, 0.0) if outbox is None else outbox.figures())


def _largest(figures: Sequence[object], name: str) -> float:
    return max((getattr(one, name) for one in figures), default=0.0)


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
