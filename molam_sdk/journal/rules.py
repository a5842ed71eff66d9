"""Whether a call may be sent, by what the journal holds of its key: one table, which every store follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ..exceptions import Outcome
from .entry import Asked, Entry

ASKED_AGAIN_SECONDS: Final = 23 * 3600.0
"""How long after its first use a key may be sent again: Molam forgets keys after 24 hours."""
CLOCK_SKEW_SECONDS: Final = 300.0


class Decision(Enum):
    """What becomes of a call."""

    SEND = "send"
    REPLAY = "give the stored answer"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision and, of a refusal, why, and what may have become of the payment."""

    decision: Decision
    why: str = ""
    outcome: Outcome = "not_sent"


@dataclass(frozen=True, slots=True)
class _Row:
    """A case of the table: the first one that holds counts."""

    name: str
    holds: Callable[[Entry, Asked], bool]
    decision: Decision
    why: Callable[[Entry, Asked], str] = lambda _entry, _asked: ""


def _is_another_request(entry: Entry, asked: Asked) -> bool:
    now = (asked.operation, asked.method, asked.path, asked.body_hash)
    return (entry.operation, entry.method, entry.path, entry.body_hash) != now


def _is_another_account(entry: Entry, asked: Asked) -> bool:
    return not asked.same_account and None not in (entry.account, asked.account) and entry.account != asked.account


def _is_ours(entry: Entry, asked: Asked) -> bool:
    return entry.token == asked.token


def _why_another_request(entry: Entry, asked: Asked) -> str:
    if entry.operation != asked.operation:
        differs = f"{entry.operation}, and this is {asked.operation}"
    elif entry.path != asked.path:
        differs = f"{entry.path}, and this is {asked.path}"
    else:
        differs = f"{entry.operation} with another body"
    return f"was used for {differs}: a key belongs to one operation and one body, for ever. Use a new key for this one"


def _why_another_host(entry: Entry, asked: Asked) -> str:
    return (
        f"was sent to {entry.base_url}, and this client sends to {asked.base_url}, where it is unknown: asking there "
        "could carry it out twice. Use a client for the same base URL"
    )


def _why_another_account(entry: Entry, asked: Asked) -> str:
    return (
        f"was sent for account {entry.account}, and this client's API key is of account {asked.account} (both are "
        "fingerprints): asking with it could carry it out twice. Use the same account, or another key; if only the "
        "API key was replaced, client.resolve(key, same_account=True)"
    )


def _why_review(entry: Entry, _asked: Asked) -> str:
    return f"needs a review: {entry.note or 'it was in doubt for too long'}. Settle it first: molam journal show"


def _why_clock(entry: Entry, _asked: Asked) -> str:
    return (
        f"was first used {-entry.age:.0f} s in the future by the journal's clock, so its age is unknown, and Molam "
        "forgets keys after 24 h: set the clock of the journal's database"
    )


def _why_old(entry: Entry, _asked: Asked) -> str:
    return (
        f"was first used {entry.age / 3600:.0f} h ago and is still in doubt, and Molam forgets keys after 24 h: asking "
        "again could carry it out twice. client.recover() looks it up, or lists it for a review"
    )


TABLE: Final = (
    _Row("another operation, path or body", _is_another_request, Decision.REFUSE, _why_another_request),
    _Row("another base URL", lambda e, a: e.base_url != a.base_url, Decision.REFUSE, _why_another_host),
    _Row("another account", _is_another_account, Decision.REFUSE, _why_another_account),
    _Row("done", lambda e, _: e.state == "done", Decision.REPLAY),
    _Row("refused", lambda e, _: e.state == "refused", Decision.REPLAY),
    _Row("leased to another", lambda e, a: e.lease_left > 0 and not _is_ours(e, a), Decision.WAIT),
    _Row("waits for a worker", lambda e, _: e.state == "queued", Decision.SEND),
    _Row("nothing was done", lambda e, _: e.state == "free", Decision.SEND),
    _Row("needs a review", lambda e, _: e.state == "review", Decision.REFUSE, _why_review),
    _Row("first used in the future", lambda e, _: e.age < -CLOCK_SKEW_SECONDS, Decision.REFUSE, _why_clock),
    _Row("too old to be asked again", lambda e, _: e.age > ASKED_AGAIN_SECONDS, Decision.REFUSE, _why_old),
    _Row("in doubt", lambda e, _: e.state == "open", Decision.SEND),
)
_SEND: Final = Ruling(Decision.SEND)


def ruling_on(entry: Entry | None, asked: Asked) -> Ruling:
    """What becomes of a call, by the entry that stands under its key."""
    if entry is None:
        return _SEND
    for row in TABLE:
        if row.holds(entry, asked):
            why = row.why(entry, asked)
            said = why and f"the journal says that idempotency key {entry.key!r} {why}"
            return Ruling(row.decision, said, _outcome(row, entry))
    raise ValueError(f"the journal holds an entry in a state that this version does not know: {entry.state!r}")


def _outcome(row: _Row, entry: Entry) -> Outcome:
    """What a refusal leaves of the payment: another request's entry says nothing of this one."""
    if row is TABLE[0] or entry.state in ("free", "queued", "refused"):
        return "not_sent"
    return "accepted" if entry.outcome == "accepted" else "unknown"
