"""Compares Molam's lists with the journal, a page at a time, and looks for what no list had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from ..._core import operations
from ..._core.cursor import Cursor
from ...exceptions import NotFoundError
from ...journal.entry import Entry
from ...journal.naming import tag_in
from ...journal.reconciliation import CREATED_BY, Difference, Reconciliation, ReconciliationStep, compared, missing
from ...journal.seam import Wanted
from ..opening import full_store
from ..standing import MOST_KEPT, Standing
from .calls import JournalledCalls, Way
from .walk import Walk

Progress = Callable[[ReconciliationStep], object]

_PAGE: Final = 100
_LISTS: Final[tuple[tuple[str, Callable[..., Any]], ...]] = (
    ("payment_intent", operations.list_payment_intents),
    ("refund", operations.list_refunds),
    ("payout", operations.list_payouts),
)
_RETRIEVE: Final[dict[str, Callable[[str], Any]]] = {
    "payment_intent": operations.retrieve_payment_intent,
    "refund": operations.retrieve_refund,
    "payout": operations.retrieve_payout,
}
_KIND_OF: Final = {operation: kind for kind, operation in CREATED_BY.items()}


class Reconciling(Walk):
    """One reconciliation. The journal marks what was seen at Molam, so that neither side is ever held in memory."""

    def __init__(
        self,
        calls: JournalledCalls,
        way: Way,
        timeout: float,
        per_second: float,
        same_account: bool,
        *,
        progress: Progress | None,
    ) -> None:
        super().__init__(calls, way, timeout, per_second, same_account)
        self._store = full_store(calls.store, "reconcile")
        self._progress = progress
        self._kept: list[Difference] = []

    async def now(self) -> float:
        """Unix seconds by the journal's clock."""
        return await self._calls.ask(self._store.time)

    async def run(self, standing: Standing) -> Reconciliation:
        """The report. An error, or Ctrl-C, loses nothing that ``progress`` was told."""
        while standing.stage < len(_LISTS):
            await self._compare_list(standing, *_LISTS[standing.stage])
        await self._look_for_unseen(standing)
        return standing.report(self._kept, await self._count_open(standing))

    async def _compare_list(self, standing: Standing, kind: str, listing: Callable[..., Any]) -> None:
        cursor: Cursor[Any] = Cursor({"limit": _PAGE, "starting_after": standing.after})
        while not cursor.exhausted:
            await self._keep_the_rate()
            page, _ = await self._read(listing(cursor.query()))
            cursor.turn_to(page)
            found = await self._compare(standing, kind, [each for each in page.data if _is_in(each, standing)])
            over = cursor.exhausted or all(_is_before(each, standing) for each in page.data)
            standing.stage, standing.after = (standing.stage + 1, None) if over else (standing.stage, page.data[-1].id)
            self._tell(standing, kind, found)
            if over:
                return

    async def _compare(self, standing: Standing, kind: str, objects: Sequence[Any]) -> list[Difference]:
        """Every difference of these objects of Molam's; what the journal has of them is marked as seen."""
        tags = {each.id: tag_in(vars(each)) for each in objects}
        names = [name for each in objects for name in (each.id, tags[each.id]) if name is not None]
        entries = await self._calls.ask(self._store.about, names)
        told: list[Difference] = []
        for each in objects:
            own = [entry for entry in entries if _is_about(entry, each.id, tags[each.id])]
            if not own and _created(each) > standing.until:
                continue
            differences = compared(kind, each, own)
            standing.note(differences, matched=any(entry.state == "done" for entry in own))
            told += differences
        made = [entry.key for entry in entries if entry.operation == CREATED_BY[kind]]
        await self._calls.ask(self._store.mark_seen, made, standing.began)
        return told

    async def _look_for_unseen(self, standing: Standing) -> None:
        """What was done here since then, and stood in no list: each is asked for by itself."""
        wanted = Wanted(
            open=False,
            account=self._account(),
            base_url=self._way[0].base_url,
            operations=tuple(_KIND_OF),
            since=max(standing.since, standing.unseen_from),
            unseen_since=standing.began,
        )
        while page := await self._calls.ask(self._store.page, wanted):
            for entry in page:
                if entry.first_used_at > standing.until:
                    return
                if entry.key in standing.unseen_keys:
                    continue  # told before the walk was broken off
                found = await self._look_for(standing, entry) if entry.state == "done" else []
                standing.pass_by(entry.first_used_at, entry.key)
                self._tell(standing, _KIND_OF[entry.operation], found)
            wanted = replace(wanted, after=page[-1])

    async def _look_for(self, standing: Standing, entry: Entry) -> list[Difference]:
        kind, object_id = _KIND_OF[entry.operation], entry.object_id
        if object_id is None:
            standing.not_compared += 1
            return []
        await self._keep_the_rate()
        try:
            found, _ = await self._read(_RETRIEVE[kind](object_id))
        except NotFoundError:
            told = [missing(kind, object_id, entry)]
            standing.note(told, matched=False)
            return told
        return await self._compare(standing, kind, [found])

    async def _count_open(self, standing: Standing) -> int:
        wanted = Wanted(open=True, account=self._account(), base_url=self._way[0].base_url, since=standing.since)
        count = 0
        while page := await self._calls.ask(self._store.page, wanted):
            count += sum(entry.first_used_at <= standing.until for entry in page)
            wanted = replace(wanted, after=page[-1])
        return count

    def _tell(self, standing: Standing, kind: str, found: list[Difference]) -> None:
        self._kept += found[: max(0, MOST_KEPT - len(self._kept))]
        if self._progress is not None:
            counted = standing.matched + sum(standing.counts.values())
            self._progress(ReconciliationStep(kind, counted, tuple(found), standing.token()))


def _is_about(entry: Entry, object_id: str, tag: str | None) -> bool:
    return entry.object_id == object_id or (tag is not None and entry.object_id is None and entry.tag == tag)


def _created(found: Any) -> float:
    """Unix seconds; one that does not say when it was made is compared, and ends no walk."""
    moment: datetime | None = found.created_at
    return 0.0 if moment is None else moment.timestamp()


def _is_in(found: Any, standing: Standing) -> bool:
    return found.created_at is None or _created(found) >= standing.since


def _is_before(found: Any, standing: Standing) -> bool:
    """Whether it is older than the window, also by a clock that differs."""
    return found.created_at is not None and _created(found) < standing.since - standing.margin
