"""The journal's table, and how an entry stands in a row of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from ..journal.entry import CLOSED, Asked, End, Entry, KeptAnswer, hash_of
from .columns import fitted, hashed_id
from .database import Column, Index, Table, Value
from .pauses import spread
from .sealing import SEALED, Seal, closed, closed_text, opened, opened_text

ENTRIES: Final = Table(
    "molam_journal",
    2,
    (
        Column("key_hash", "key", primary=True),
        Column("idempotency_key", "name"),
        Column("state", "word"),
        Column("closed", "flag"),
        Column("outcome", "word", nullable=True),
        Column("operation", "name"),
        Column("method", "word"),
        Column("path", "text"),
        Column("body", "bytes", nullable=True),
        Column("body_hash", "key"),
        Column("base_url", "text"),
        Column("account", "word", nullable=True),
        Column("actor", "name", nullable=True),
        Column("trace_id", "name", nullable=True),
        Column("first_used", "time"),
        Column("ended", "time", nullable=True),
        Column("code", "name", nullable=True),
        Column("request_id", "name", nullable=True),
        Column("attempts", "count"),
        Column("answer_status", "count", nullable=True),
        Column("answer_head", "text", nullable=True),
        Column("answer_body", "bytes", nullable=True),
        Column("token", "word"),
        Column("lease_until", "time"),
        Column("note", "text", nullable=True),
        Column("object_key", "key", nullable=True, since=2),
        Column("heard", "time", nullable=True, since=2),
        Column("seen", "time", nullable=True, since=2),
        Column("undo_key", "name", nullable=True, since=2),
        Column("queued", "time", nullable=True, since=2),
        Column("due", "time", nullable=True, since=2),
    ),
    (
        Index("open", ("closed", "first_used", "key_hash")),
        Index("object", ("object_key",), since=2),
        Index("due", ("due",), since=2),
    ),
)
_NOT_READ: Final = ("key_hash", "closed", "object_key", "heard", "seen", "due")
READ: Final = ", ".join(column.name for column in ENTRIES.columns if column.name not in _NOT_READ)
"""What ``entry_of`` reads, and the time after it."""


def asked_values(asked: Asked, seal: Seal | None = None) -> dict[str, Value]:
    """What a call's wish leaves in the row."""
    return {
        "key_hash": hashed_id(asked.key),
        "key": asked.key,
        "no": False,
        "outcome": asked.outcome,
        "operation": asked.operation,
        "method": asked.method,
        "path": asked.path,
        "body": closed(seal, asked.key, "body", asked.body),
        "body_hash": asked.body_hash if seal is None or asked.body is None else SEALED,
        "base_url": asked.base_url,
        "account": asked.account,
        "actor": None if asked.actor is None else fitted(asked.actor),
        "trace_id": None if asked.trace_id is None else fitted(asked.trace_id),
        "age": asked.age,
        "token": asked.token,
        "object_key": None if asked.object_name is None else hashed_id(asked.object_name),
        "undo_key": asked.undo_key,
    }


def end_values(key: str, token: str, end: End, seal: Seal | None = None) -> dict[str, Value]:
    """What a call's end leaves in the row."""
    answer = end.answer
    return {
        "key_hash": hashed_id(key),
        "token": token,
        "no": False,
        "state": end.state,
        "closed": end.state in CLOSED,
        "outcome": end.outcome,
        "code": fitted(end.code),
        "attempts": end.attempts,
        "request_id": None if end.request_id is None else fitted(end.request_id),
        "account": end.account,
        "answer_status": None if answer is None else answer.status,
        "answer_head": None if answer is None else answer.head_text,
        "answer_body": None if answer is None else closed(seal, key, "answer", answer.body),
        "note": None if end.note is None else closed_text(seal, key, "note", fitted(end.note, 2000)),
        "object_key": None if end.object_id is None else hashed_id(end.object_id),
        "retry_after": end.retry_after,
        "spread": spread(),
        "telling": end.telling,
    }


def entry_of(row: Sequence[Any], seal: Seal | None = None) -> Entry:
    """The entry in a row of ``READ``. ``SealError`` where it is encrypted and cannot be opened, ``ValueError`` where
    another hand has damaged it."""
    names = READ.split(", ")
    held = dict(zip(names, row, strict=False))
    now = float(row[len(names)])
    status = held["answer_status"]
    key = held["idempotency_key"]
    head = _head(key, held["answer_head"] or "{}")
    body = opened(seal, key, "body", _bytes(held["body"]))
    answered = opened(seal, key, "answer", _bytes(held["answer_body"]))
    answer = None if status is None else KeptAnswer(int(status), head, answered or b"")
    return Entry(
        key=key,
        state=held["state"],
        outcome=held["outcome"],
        operation=held["operation"],
        method=held["method"],
        path=held["path"],
        body=body,
        body_hash=hash_of(body) if held["body_hash"] == SEALED else held["body_hash"],
        base_url=held["base_url"],
        account=held["account"],
        actor=held["actor"],
        trace_id=held["trace_id"],
        first_used_at=float(held["first_used"]),
        age=now - float(held["first_used"]),
        ended_at=None if held["ended"] is None else float(held["ended"]),
        code=held["code"],
        request_id=held["request_id"],
        attempts=int(held["attempts"]),
        answer=answer,
        token=held["token"],
        lease_left=max(0.0, float(held["lease_until"]) - now),
        note=opened_text(seal, key, "note", held["note"]),
        undo_key=held["undo_key"],
        queued_at=None if held["queued"] is None else float(held["queued"]),
    )


def resealed(entry: Entry, seal: Seal | None) -> dict[str, Value]:
    """What of an entry is sealed, sealed anew."""
    answer = entry.answer
    return {
        "key_hash": hashed_id(entry.key),
        "token": entry.token,
        "state": entry.state,
        "body": closed(seal, entry.key, "body", entry.body),
        "body_hash": entry.body_hash if seal is None or entry.body is None else SEALED,
        "answer_body": None if answer is None else closed(seal, entry.key, "answer", answer.body),
        "note": closed_text(seal, entry.key, "note", entry.note),
    }


def _head(key: str, text: str) -> dict[str, str]:
    try:
        head = json.loads(text)
    except ValueError:
        head = None
    if not isinstance(head, dict):
        raise ValueError(f"the answer's head under {key!r} is damaged")
    return head


def _bytes(value: Any) -> bytes | None:
    """Drivers give a memoryview, a bytearray or bytes."""
    return None if value is None else bytes(value)
