"""Where a reconciliation stands, in a text from which another process goes on."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

from ..exceptions import RequestValidationError
from ..journal.reconciliation import DIFFERENCE_KINDS, Difference, Reconciliation

MOST_KEPT: Final = 1000
MARGIN: Final = timedelta(minutes=5)
_VERSION: Final = 1


@dataclass
class Standing:
    """What was compared by now. Times are Unix seconds by the journal's clock.

    ``stage``: which list is walked, and behind the last one the entries that no list had; ``after``: the last id of the
    page before, ``unseen_from``: the first use of the last of those that was looked at, ``unseen_keys``: all of that
    moment. ``margin`` is seconds.
    """

    began: float
    since: float
    margin: float
    stage: int = 0
    after: str | None = None
    unseen_from: float = 0.0
    unseen_keys: list[str] = field(default_factory=list)
    matched: int = 0
    not_compared: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DIFFERENCE_KINDS, 0))

    @classmethod
    def beginning(cls, since: timedelta | datetime, margin: timedelta, now: float) -> Standing:
        """At the beginning; ``RequestValidationError`` for a window that is none."""
        if not isinstance(margin, timedelta) or margin < timedelta(0):
            raise RequestValidationError("margin must be a timedelta of 0 or more")
        if isinstance(since, timedelta) and since > timedelta(0):
            begin = now - since.total_seconds()
        elif isinstance(since, datetime) and since.tzinfo is not None:
            begin = since.timestamp()
        else:
            raise RequestValidationError("since must be a timedelta above 0, or a datetime with its zone")
        if begin >= now:
            raise RequestValidationError("since must be in the past")
        return cls(now, begin, margin.total_seconds())

    @classmethod
    def of(cls, token: str) -> Standing:
        """Where the reconciliation stood that gave this text; ``RequestValidationError`` where it is none of ours."""
        try:
            version, facts = json.loads(base64.urlsafe_b64decode(token))
            if version == _VERSION:
                return cls(**facts)
        except (ValueError, TypeError, AttributeError):
            pass
        raise RequestValidationError("resume must be what a step of a reconciliation said, of this version of the SDK")

    @property
    def until(self) -> float:
        """What is younger is left to the next time: its call may still be on its way, and clocks differ."""
        return self.began - self.margin

    def token(self) -> str:
        """The text."""
        return base64.urlsafe_b64encode(json.dumps([_VERSION, asdict(self)]).encode()).decode()

    def pass_by(self, first_used_at: float, key: str) -> None:
        """An entry that no list had was looked at; others may be of the same moment, by a clock of milliseconds."""
        if first_used_at != self.unseen_from:
            self.unseen_keys = []
        self.unseen_from = first_used_at
        self.unseen_keys.append(key)

    def note(self, differences: list[Difference], *, matched: bool) -> None:
        """Count what one object came to."""
        for difference in differences:
            self.counts[difference.kind] += 1
        self.matched += matched and not differences

    def report(self, differences: list[Difference], in_doubt: int) -> Reconciliation:
        """The end."""
        return Reconciliation(
            since=_moment(self.since),
            until=_moment(self.until),
            matched=self.matched,
            counts={kind: self.counts[kind] for kind in DIFFERENCE_KINDS},
            in_doubt=in_doubt,
            not_compared=self.not_compared,
            differences=tuple(differences),
        )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
