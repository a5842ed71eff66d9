"""What an event of Molam's says of an entry, where it names the entry's object for certain: by its id or our tag."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .._core.answer import UnreadableError
from .._core.invocation import Invocation, Operation
from .._core.operations import BY_NAME
from ..exceptions import Outcome
from ..webhooks import WebhookEvent
from .entry import EVENT, End, Entry, KeptAnswer
from .naming import tag_in
from .seam import Judge


def names_in(event: WebhookEvent) -> list[str]:
    """What the object of an event is known by."""
    data = event.get("data")
    tag = tag_in(data) if isinstance(data, Mapping) else None
    return [name for name in (event.object_id, tag) if name is not None]


def judge_by(event: WebhookEvent) -> Judge:
    """How an event judges entries.

    What a confirm, capture or cancel came to is read off the object's status by the table of its operation, as
    ``recover`` reads it; a create was carried out where the object has the create's own tag and what was asked for.
    """

    def judge(entry: Entry) -> End | None:
        operation = BY_NAME.get(entry.operation)
        if operation is None:
            return None
        answer = KeptAnswer(200, {}, json.dumps(event.get("data")).encode())
        try:
            found = operation.parse(answer.reply())
        except UnreadableError:
            return None
        outcome = _outcome(operation, entry, found)
        if outcome == "accepted":
            return End("done", None, EVENT, answer=answer)
        said = f"{event.type} {event.id}: Molam's object is {getattr(found, 'status', 'another')}"
        return End("refused", "rejected", EVENT, note=said) if outcome == "rejected" else None

    return judge


def _outcome(operation: Operation[Any], entry: Entry, found: Any) -> Outcome:
    if Invocation(operation, entry.path, entry.body, None).mismatch(found) is not None:
        return "unknown"
    if operation.lookup is not None:
        return operation.lookup.outcome(found, entry.body)
    return "accepted" if entry.tag is not None and entry.tag == tag_in(vars(found)) else "unknown"
