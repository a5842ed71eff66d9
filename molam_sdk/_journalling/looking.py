"""The journal without a client, for those who look at it; and one entry of it settled."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from ..config import JournalKey
from ..exceptions import RequestValidationError
from ..journal.entry import Entry
from .blocking.calls import JournalledCalls
from .blocking.journal import Journal
from .blocking.recovery import Recovery
from .blocking.walk import PER_SECOND, SECONDS_EACH

_OF_ENVIRONMENT: Final = ""

if TYPE_CHECKING:
    from .blocking.calls import Way
    from .opening import JournalSource


@contextmanager
def journal_alone(source: JournalSource, *, key: JournalKey | None = _OF_ENVIRONMENT) -> Iterator[Journal]:
    """The journal of this source; no API key is needed to look at it, and nothing is sent. ``key``: to what is
    encrypted; None where the source knows it."""
    key = os.environ.get("MOLAM_JOURNAL_KEY", "").strip() or None if key == _OF_ENVIRONMENT else key
    calls = JournalledCalls(source, time.sleep, key=key)
    try:
        yield Journal(calls, cast("Way", None))
    finally:
        calls.close()


def settled(client: Any, key: str) -> Entry | None:
    """An open entry after the client has asked for it again, or looked it up; None where another worker has it.

    ``RequestValidationError`` where there is none that is open.
    """
    calls, way = client._journalled_calls(), client._way()
    entry = calls.ask(calls.store.find, key)
    if entry is None or entry.state != "open":
        raise RequestValidationError(f"idempotency key {key!r} is {'unknown' if entry is None else entry.state}")
    return Recovery(calls, way, SECONDS_EACH, PER_SECOND, same_account=False).settle(entry)
