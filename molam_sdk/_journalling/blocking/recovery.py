# Generated from _journalling/awaited/recovery.py by ci/generate_blocking.py: edit that file, not this one.
"""Settles what any worker left in doubt: asked again under its key, or looked up, or listed for a review."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from ..._core.operations import BY_NAME, DELETE_ENDPOINT, list_webhook_endpoints
from ..._frames import empty_frames
from ..._resolving import invocation_of
from ...exceptions import ClientClosedError, JournalError, MolamError
from ...journal.entry import CLOSED, End, Entry
from ...journal.rules import ASKED_AGAIN_SECONDS, CLOCK_SKEW_SECONDS
from ...journal.seam import Wanted
from ...journal.undoing import UNDO
from ..review import how_to_review, reading_of
from .undoing import Undoing
from .walk import Walk


class Recovery(Walk):
    """One walk over what is open."""

    def entries(self) -> Iterator[Entry]:
        """Each entry as it stands after it was asked for."""
        wanted = Wanted(open=True, due=True, account=self._account(), base_url=self._way[0].base_url)
        try:
            while page := self._calls.ask(self._calls.store.page, wanted):
                for entry in page:
                    if entry.state == "open" and (settled := self.settle(entry)) is not None:
                        yield settled
                wanted = replace(wanted, after=page[-1])
        except BaseException as error:
            empty_frames(error)
            raise

    def settle(self, entry: Entry) -> Entry | None:
        """The entry afterwards; None where another worker has it now."""
        self._keep_the_rate()
        if entry.operation == UNDO:
            Undoing(self._calls, self._way, self._timeout, same_account=self._same_account).take_over(entry)
        elif -CLOCK_SKEW_SECONDS <= entry.age <= ASKED_AGAIN_SECONDS:
            self._ask_again(entry)
        else:
            self._look_up(entry)
        now = self._calls.ask(self._calls.store.find, entry.key)
        return None if now is None or (now.state not in CLOSED and now.lease_left > 0) else now

    def _ask_again(self, entry: Entry) -> None:
        doubt = entry.doubt(time.time())
        try:
            invocation = invocation_of(doubt)
            self._calls.send(self._way, invocation, self._timeout, doubt, self._same_account, waits=False)
        except (ClientClosedError, JournalError):
            raise
        except MolamError:
            return  # it stands in the entry

    def _look_up(self, entry: Entry) -> None:
        try:
            end = self._found_out(entry)
        except (ClientClosedError, JournalError):
            raise
        except MolamError as error:
            if error.outcome != "rejected":
                return  # not now
            end = None
        if end is None:
            end = End("review", entry.outcome or "unknown", "needs_review", note=how_to_review(entry))
        self._calls.ask(self._calls.store.end, entry.key, entry.token, end)

    def _found_out(self, entry: Entry) -> End | None:
        """What Molam's object says of an operation, where it is known which object that is."""
        operation = BY_NAME.get(entry.operation)
        if operation is DELETE_ENDPOINT:
            listed, _ = self._read(list_webhook_endpoints({}))
            gone = entry.path.rpartition("/")[2] not in {endpoint.id for endpoint in listed.data}
            return End("done", None, "looked_up") if gone and not listed.has_more else None
        if operation is None or operation.lookup is None:
            return None
        found, answer = self._read(reading_of(operation.lookup, entry.path))
        outcome = operation.lookup.outcome(found, entry.body)
        if outcome == "accepted":
            return End("done", None, "looked_up", answer=answer)
        note = f"Molam's object is {found.status}: this was never carried out"
        return End("refused", "rejected", "looked_up", note=note) if outcome == "rejected" else None
