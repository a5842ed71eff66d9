"""Events of the inbox as people and programs read them: a line, a page, a JSON object."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import Any

from ...redaction import redact_text, sanitize_sensitive_data
from ...store.inbox import InboxEvent


def line_of(event: InboxEvent) -> str:
    """One line: state, when it came, tries, type, id, object, and the last line of the last error."""
    error = (event.last_error or "").strip().rpartition("\n")[2][:100]
    said = redact_text(event.note or error)
    columns = [
        f"{event.state:<8}",
        date_in_utc(event.first_seen),
        f"{event.attempts:>3}",
        f"{event.event_type:<24}",
        event.event_id,
        event.object_id or "-",
        said,
    ]
    return "  ".join(columns).rstrip().replace("\n", " ")


def page_of(event: InboxEvent, *, raw: bool = False) -> str:
    """Everything there is of an event; what is secret in its body is hidden unless ``raw``."""
    due = "-" if event.due is None else date_in_utc(event.due)
    lines = [
        f"event        {event.event_id}",
        f"type         {event.event_type}",
        f"object       {event.object_id or '-'}",
        f"state        {event.state}",
        f"created      {date_in_utc(event.created) if event.created else '-'}",
        f"first seen   {date_in_utc(event.first_seen)}",
        f"attempts     {event.attempts}",
        f"next attempt {due}",
        f"finished     {', '.join(event.finished) or '-'}",
        f"note         {redact_text(event.note or '-')}",
        "",
        readable_body(event, raw=raw),
    ]
    if event.last_error:
        lines += ["", event.last_error.rstrip() if raw else redact_text(event.last_error.rstrip())]
    return "\n".join(lines)


def readable_body(event: InboxEvent, *, raw: bool = False) -> str:
    """The body as indented JSON, or as it is where it is none; what is secret is hidden unless ``raw``."""
    text = (event.body or b"").decode(errors="backslashreplace")
    if raw:
        return text
    try:
        return json.dumps(sanitize_sensitive_data(json.loads(text)), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return redact_text(text)


def record_of(event: InboxEvent) -> dict[str, Any]:
    """An event as a JSON object: its body as it was sent, as text, or in Base64 where it is none."""
    body = event.body or b""
    try:
        content = {"body": body.decode()}
    except UnicodeDecodeError:
        content = {"body_base64": base64.b64encode(body).decode()}
    return {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "object_id": event.object_id,
        "state": event.state,
        "created": event.created,
        "first_seen": event.first_seen,
        "touched": event.touched,
        "attempts": event.attempts,
        "due": event.due,
        "finished": list(event.finished),
        "last_error": None if event.last_error is None else redact_text(event.last_error),
        "note": None if event.note is None else redact_text(event.note),
        "headers": dict(event.headers),
        **content,
    }


def date_in_utc(seconds: float) -> str:
    """Unix seconds as a date in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
