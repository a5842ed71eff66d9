"""An event made from an object as Molam lists it: the one that told, or should have told, of the state it is in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ...models import Answer
from ...webhooks import AnyWebhookEvent
from ...webhooks.event import parse_event
from ..occurrences import ListedKind, occurrence


@dataclass(frozen=True, slots=True)
class Synthetic:
    """The event, and its body as Molam would have sent it but for ``"synthetic": true``."""

    event: AnyWebhookEvent
    body: bytes


def synthetic_event(kind: ListedKind, listed: Answer) -> Synthetic | None:
    """The event of the state that an object is in; None where no event tells of that state."""
    data: dict[str, Any] = listed.model_dump(exclude_unset=True)
    event_type = kind.event_types.get(str(data.get("status")))
    event_id = None if event_type is None else occurrence(event_type, str(data.get("id")))
    if event_id is None:
        return None
    moment = changed_at(listed)
    event = {"id": event_id, "type": event_type, "created": moment, "synthetic": True, "data": data}
    said = {name: value for name, value in event.items() if value is not None}
    body = json.dumps(said, default=_as_json, ensure_ascii=False).encode()
    return Synthetic(parse_event(body), body)


def created_at(listed: Answer) -> datetime | None:
    """When the object was made; None where Molam does not say."""
    return _moment(listed, "created_at")


def changed_at(listed: Answer) -> datetime | None:
    """When it came into its state, or later; None where Molam does not say."""
    moments = (_moment(listed, name) for name in ("updated_at", "completed_at", "created_at"))
    return max((moment for moment in moments if moment is not None), default=None)


def may_have_changed_since(listed: Answer, since: datetime) -> bool:
    """False only where Molam says when it changed last, and that was before."""
    moment = _moment(listed, "updated_at")
    return moment is None or moment >= since


def _moment(listed: Answer, name: str) -> datetime | None:
    value = getattr(listed, name, None)
    if isinstance(value, str):  # a field that the model does not know
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


def _as_json(value: object) -> object:
    if isinstance(value, Decimal):
        # Amounts have at most 15 digits, which a float keeps.
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")
