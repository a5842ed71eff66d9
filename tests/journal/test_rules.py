"""The table of the journal: what is stored, what is asked, and what becomes of the call."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk.journal import Decision, Entry, ruling_on
from molam_sdk.journal.entry import hash_of
from molam_sdk.journal.rules import ASKED_AGAIN_SECONDS, TABLE
from tests.support.journals import asked

SEND, REPLAY, WAIT, REFUSE = Decision.SEND, Decision.REPLAY, Decision.WAIT, Decision.REFUSE


def stored(**changes: Any) -> Entry:
    wish = asked()
    facts: dict[str, Any] = {
        "key": wish.key, "state": "open", "outcome": None, "operation": wish.operation, "method": wish.method,
        "path": wish.path, "body": wish.body, "body_hash": wish.body_hash, "base_url": wish.base_url,
        "account": wish.account, "actor": None, "trace_id": None, "first_used_at": 1000.0, "age": 60.0,
        "ended_at": None, "code": None, "request_id": None, "attempts": 1, "answer": None, "token": "another's",
        "lease_left": 0.0,
    }  # fmt: skip
    return Entry(**(facts | changes))


ROWS: list[tuple[dict[str, Any], dict[str, Any], Decision, str, str]] = [
    #  the entry has, the call has, decision, a word of why, what may have become of the payment
    ({"state": "done"}, {}, REPLAY, "", ""),
    ({"state": "refused"}, {}, REPLAY, "", ""),
    ({"state": "free"}, {}, SEND, "", ""),
    ({"state": "free", "age": 1e9}, {}, SEND, "", ""),
    ({"state": "queued", "age": 1e9}, {}, SEND, "", ""),
    ({"state": "queued", "account": "b"}, {}, REFUSE, "fingerprints", "not_sent"),
    ({"state": "open"}, {}, SEND, "", ""),
    ({"state": "open", "outcome": "unknown", "age": ASKED_AGAIN_SECONDS}, {}, SEND, "", ""),
    ({"state": "open", "age": ASKED_AGAIN_SECONDS + 1}, {}, REFUSE, "23 h ago", "unknown"),
    ({"state": "open", "outcome": "accepted", "age": 1e6}, {}, REFUSE, "h ago", "accepted"),
    ({"state": "open", "age": -299.0}, {}, SEND, "", ""),
    ({"state": "open", "age": -301.0}, {}, REFUSE, "in the future", "unknown"),
    ({"state": "review", "note": "look there"}, {}, REFUSE, "look there", "unknown"),
    ({"state": "open", "lease_left": 0.1}, {}, WAIT, "", ""),
    ({"state": "open", "lease_left": 0.1, "age": 1e6}, {}, WAIT, "", ""),
    ({"state": "review", "lease_left": 0.1}, {}, WAIT, "", ""),
    ({"state": "open", "lease_left": 9.0, "token": "mine"}, {"token": "mine"}, SEND, "", ""),
    ({"state": "done", "age": 1e9}, {}, REPLAY, "", ""),
    ({"operation": "create_payout"}, {}, REFUSE, "create_payout, and this is create_refund", "not_sent"),
    ({"path": "/v1/other"}, {}, REFUSE, "/v1/other", "not_sent"),
    ({"method": "DELETE"}, {}, REFUSE, "one operation and one body", "not_sent"),
    ({"body_hash": hash_of(b"x")}, {}, REFUSE, "another body", "not_sent"),
    ({"body_hash": hash_of(b"x"), "state": "done"}, {}, REFUSE, "another body", "not_sent"),
    ({"body_hash": hash_of(b"x"), "state": "free"}, {}, REFUSE, "another body", "not_sent"),
    ({"body_hash": hash_of(b"")}, {"body": None}, REFUSE, "another body", "not_sent"),
    ({"body_hash": hash_of(None)}, {"body": None}, SEND, "", ""),
    ({"body_hash": hash_of(b"x"), "lease_left": 9.0}, {}, REFUSE, "another body", "not_sent"),
    ({"base_url": "https://b.test"}, {}, REFUSE, "https://b.test", "unknown"),
    ({"base_url": "https://b.test", "state": "done"}, {}, REFUSE, "https://b.test", "unknown"),
    ({"base_url": "https://b.test", "state": "free"}, {}, REFUSE, "https://b.test", "not_sent"),
    ({"base_url": "https://b.test"}, {"same_account": True}, REFUSE, "https://b.test", "unknown"),
    ({"account": "b"}, {}, REFUSE, "fingerprints", "unknown"),
    ({"account": "b", "state": "done"}, {}, REFUSE, "same_account=True", "unknown"),
    ({"account": "b", "state": "refused"}, {}, REFUSE, "fingerprints", "not_sent"),
    ({"account": "b", "state": "done"}, {"same_account": True}, REPLAY, "", ""),
    ({"account": "b", "lease_left": 9.0}, {}, REFUSE, "fingerprints", "unknown"),
    ({"account": None}, {}, SEND, "", ""),
    ({"account": "b"}, {"account": None}, SEND, "", ""),
]


@pytest.mark.parametrize(("entry", "call", "decision", "why", "outcome"), ROWS)
def test_what_becomes_of_a_call(
    entry: dict[str, Any], call: dict[str, Any], decision: Decision, why: str, outcome: str
) -> None:
    ruling = ruling_on(stored(**entry), asked(**call))
    assert ruling.decision is decision
    assert why in ruling.why
    assert bool(ruling.why) is (decision is REFUSE)
    if decision is REFUSE:
        assert ruling.outcome == outcome
        assert "'order-7'" in ruling.why


def test_a_new_key_is_sent() -> None:
    assert ruling_on(None, asked()).decision is SEND


def test_a_state_of_another_version_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not know: 'tomorrow'"):
        ruling_on(stored(state="tomorrow"), asked())


def test_every_row_of_the_table_is_tried() -> None:
    hit = set()
    for entry, call, *_ in ROWS:
        found, wish = stored(**entry), asked(**call)
        hit.add(next(row.name for row in TABLE if row.holds(found, wish)))
    assert hit == {row.name for row in TABLE}
