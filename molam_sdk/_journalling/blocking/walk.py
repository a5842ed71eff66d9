# Generated from _journalling/awaited/walk.py by ci/generate_blocking.py: edit that file, not this one.
"""What the walks over a journal share: a bounded rate, reads of Molam's objects, and whose entries are theirs."""

from __future__ import annotations

from typing import Any, Final

from ...exceptions import RequestValidationError
from ...journal.entry import KeptAnswer
from .calls import JournalledCalls, Way, account_here

PER_SECOND: Final = 10.0
SECONDS_EACH: Final = 60.0


class Walk:
    """``timeout``: seconds for each call; ``same_account``: entries of another API key are the same account's."""

    def __init__(self, calls: JournalledCalls, way: Way, timeout: float, per_second: float, same_account: bool) -> None:
        if isinstance(per_second, bool) or not isinstance(per_second, int | float) or not 0 < per_second <= 1000:
            raise RequestValidationError("per_second must be a number above 0, at most 1000")
        self._calls = calls
        self._way = way
        self._timeout = timeout
        self._interval = 1.0 / per_second
        self._same_account = same_account
        self._next = 0.0

    def _read(self, invocation: Any) -> tuple[Any, KeptAnswer | None]:
        _, begin, carry_out = self._way
        call = begin(invocation, self._timeout)
        found = carry_out(call)
        return found, None if call.answer is None else KeptAnswer.of(call.answer)

    def _keep_the_rate(self) -> None:
        clock = self._way[0].clock
        self._calls.sleep(max(0.0, self._next - clock()))
        self._next = clock() + self._interval

    def _account(self) -> str | None:
        return None if self._same_account else account_here(self._way[0])
