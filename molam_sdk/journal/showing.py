"""How an entry of the journal is shown: in a line, in full without secrets, and in the cells of an export."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import IO, Any

from ..redaction import escape_unseen, redact_text, sanitize_sensitive_data
from .entry import Entry

COLUMNS = (
    "key", "state", "outcome", "operation", "object_id", "amount", "currency", "first_used_at", "ended_at", "attempts",
    "code", "request_id", "account", "base_url", "actor", "trace_id", "note",
)  # fmt: skip
_ID = re.compile(r"[a-z]{2,5}_[A-Za-z0-9_-]+")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_line(entry: Entry) -> str:
    """The facts that one looks for, in one line."""
    cells = as_cells(entry)
    facts = [cells["object_id"], cells["code"], cells["note"]]
    line = f"{entry.state:<8} {cells['first_used_at']}  {entry.operation:<26} {entry.key}  "
    return escape_unseen(line + "  ".join(str(fact) for fact in facts if fact))


def as_cells(entry: Entry) -> dict[str, Any]:
    """What an export holds of an entry: no bodies, no secrets and card numbers. The key stands as it is: it is what
    accounts are matched by."""
    body, answer = _parsed(entry.body), _parsed(entry.answer.body if entry.answer is not None else None)
    others = {
        "state": entry.state,
        "outcome": entry.outcome,
        "operation": entry.operation,
        "object_id": _text(answer.get("id")) or _id_in(entry.path),
        "amount": body.get("amount"),
        "currency": _text(body.get("currency")),
        "first_used_at": exported_time(entry.first_used_at),
        "ended_at": exported_time(entry.ended_at),
        "attempts": entry.attempts,
        "code": entry.code,
        "request_id": entry.request_id,
        "account": entry.account,
        "base_url": entry.base_url,
        "actor": entry.actor,
        "trace_id": entry.trace_id,
        "note": entry.note,
    }
    return {"key": entry.key, **sanitize_sensitive_data(others)}


def as_rows(facts: Mapping[str, Any]) -> Iterator[str]:
    """What is known of something, a line for each fact, as a terminal may be given it."""
    for name, value in facts.items():
        if value not in (None, {}, []):
            yield escape_unseen(f"{name:<16} {value if isinstance(value, str) else json.dumps(value)}")


def as_facts(entry: Entry) -> dict[str, Any]:
    """The whole entry, its body and answer without secrets and card numbers."""
    answer = None if entry.answer is None else _redacted(entry.answer.body)
    return {
        **as_cells(entry),
        "request": f"{entry.method} {redact_text(entry.path)}",
        "body": _redacted(entry.body),
        "body_sha256": entry.body_hash,
        "answer": answer,
        "lease_left": round(entry.lease_left, 1) or None,
    }


def csv_writer(output: IO[str]) -> Callable[[Iterable[object]], object]:
    """Writes rows that a spreadsheet takes for text: a key such as ``=1+1`` is no formula."""
    writer = csv.writer(output)
    return lambda row: writer.writerow([_no_formula(value) for value in row])


def _no_formula(value: object) -> object:
    if not isinstance(value, str):
        return value
    return escape_unseen(f"'{value}" if value.startswith(_FORMULA) else value)


def _parsed(body: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _redacted(body: bytes | None) -> Any:
    if body is None:
        return None
    return sanitize_sensitive_data(_parsed(body) or body)


def _id_in(path: str) -> str | None:
    """The id of the object that a path is about: ``/v1/connect/payment_intents/{id}/capture``."""
    return next((part for part in path.partition("?")[0].split("/")[4:] if _ID.fullmatch(part)), None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def exported_time(seconds: float | None) -> str | None:
    """A time as an export has it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
