"""What a backfill looks at, what becomes of each object, and how far it is. Decides, and waits for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final, TypeAlias

from ...models import Answer
from ..occurrences import LISTED, ListedKind
from ..settings import check_number
from .synthetic import Synthetic, created_at, may_have_changed_since, synthetic_event

Since: TypeAlias = datetime | timedelta
"""A moment with its zone, or so long before now."""

_END: Final = "end"
_AGAIN: Final = ("failed", "busy", "lost", "store_error")


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """How far a backfill is. ``mark`` as ``resume=`` goes on from here.

    ``looked_at`` is objects; ``results`` counts what became of their events, as of deliveries. ``unremembered`` among
    them were left alone: the store cannot say whether their events were handled.
    """

    mark: str
    looked_at: int = 0
    results: Mapping[str, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """How many events did not come to their end: another run tries them again."""
        return sum(self.results.get(result, 0) for result in _AGAIN)


@dataclass(frozen=True, slots=True)
class BackfillOptions:
    """As ``WebhookReceiver.backfill`` is given them."""

    since: Since
    reach: timedelta
    per_second: float
    include_unremembered: bool
    resume: str | None
    progress: Callable[[BackfillProgress], object] | None

    def __post_init__(self) -> None:
        check_number("per_second", self.per_second)
        if self.reach < timedelta(0):
            raise ValueError(f"reach is {self.reach}: it must not be negative")

    def tell(self, progress: BackfillProgress) -> None:
        """Call whoever wants to know how far it is."""
        if self.progress is not None:
            self.progress(progress)


class Backfill:
    """One walk over the lists, the newest object first. ``wanted`` says whether somebody registered for a type.

    ``remembers_since`` is Unix seconds: an object made before that may have had its event handled and forgotten.
    None where that does not matter.
    """

    def __init__(
        self,
        options: BackfillOptions,
        *,
        wanted: Callable[[str], object],
        remembers_since: float | None,
        now: datetime,
    ) -> None:
        self.since = _moment(options.since, now)
        self._first = self.since - options.reach
        self._wanted = wanted
        self._remembers_since = remembers_since
        self._kinds = [kind for kind in LISTED if any(map(wanted, kind.event_types.values()))]
        self._kind, self.starting_after = _place(options.resume)
        self._looked_at, self._results = 0, Counter[str]()

    @property
    def kinds(self) -> list[ListedKind]:
        """The lists that are still to be walked, in this order."""
        begun = [kind.name for kind in LISTED]
        done = len(begun) if self._kind == _END else begun.index(self._kind) if self._kind else 0
        return [kind for kind in self._kinds if begun.index(kind.name) >= done]

    @property
    def progress(self) -> BackfillProgress:
        """How far it is."""
        mark = self._kind if self._kind == _END else f"{self._kind}:{self.starting_after or ''}"
        return BackfillProgress(mark, self._looked_at, dict(self._results))

    def begin(self, kind: ListedKind) -> None:
        """Walk this list from here on, from its beginning unless it is the one that was resumed."""
        if kind.name != self._kind:
            self._kind, self.starting_after = kind.name, None

    def is_past(self, listed: Answer) -> bool:
        """Whether this object, and so each that comes after it, was made too early to count."""
        moment = created_at(listed)
        return moment is not None and moment < self._first

    def event_of(self, kind: ListedKind, listed: Answer) -> Synthetic | str | None:
        """The event to run, or what becomes of it instead, or None where none is wanted."""
        if not may_have_changed_since(listed, self.since):
            return None
        found = synthetic_event(kind, listed)
        if found is None or not self._wanted(found.event.type):
            return None
        moment = created_at(listed)
        remembered = self._remembers_since is None or (
            moment is not None and moment.timestamp() > self._remembers_since
        )
        return found if remembered else "unremembered"

    def note(self, listed: Answer, result: str | None) -> None:
        """What became of an object; the next one comes after it."""
        self._looked_at += 1
        self.starting_after = str(getattr(listed, "id", ""))
        if result is not None:
            self._results[result] += 1

    def end(self) -> None:
        """All lists were walked."""
        self._kind, self.starting_after = _END, None


def _moment(since: Since, now: datetime) -> datetime:
    if isinstance(since, timedelta):
        since = now - since
    if not isinstance(since, datetime):
        raise TypeError(f"since is a {type(since).__name__}: give a datetime with its zone, or a timedelta")
    if since.tzinfo is None:
        raise ValueError(f"since is {since.isoformat()}, without a zone: say datetime(…, tzinfo=timezone.utc)")
    if since > now:
        raise ValueError(f"since is {since.isoformat()}, which is yet to come")
    return since.astimezone(timezone.utc)


def _place(resume: str | None) -> tuple[str, str | None]:
    """The list and the object that a mark names."""
    if not resume:
        return "", None
    name, _, last = resume.partition(":")
    if name != _END and name not in {kind.name for kind in LISTED}:
        names = ", ".join(kind.name for kind in LISTED)
        raise ValueError(f"resume is {resume!r}: it must be the mark of a backfill, one of {names}, and an id")
    return name, last or None
