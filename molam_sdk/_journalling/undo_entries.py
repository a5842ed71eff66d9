"""What an undo writes of its steps, and what a call may make of an entry that was undone."""

from __future__ import annotations

import inspect
import os
import time
from typing import Any

from .._client_state import ClientState
from .._core.invocation import Invocation
from .._resolving import invocation_of
from ..exceptions import Doubt
from ..journal.entry import Asked, End, Entry
from ..journal.rules import Decision, Ruling
from ..journal.undoing import UNDO


def burnt(key: str, undo_key: str, state: ClientState) -> tuple[Asked, End]:
    """What uses a key up that was planned and never used: no call can be sent under it any more."""
    asked = Asked(
        key, os.urandom(16).hex(), UNDO, "UNDO", f"/{undo_key}", None, state.base_url, None, undo_key=undo_key
    )
    return asked, End("refused", "rejected", "undone", note=f"its undo {undo_key} came before it was begun")


def doubt_and_invocation(entry: Entry) -> tuple[Doubt, Invocation[Any]]:
    """A step in doubt, as it is asked again."""
    doubt = entry.doubt(time.time())
    return doubt, invocation_of(doubt)


def ruling_of_undone(entry: Entry, undo: Entry | None) -> Ruling | None:
    """Why what was done may not be given again: its undo has taken it back, or will. None where it may."""
    if undo is None or undo.state == "done":
        return None
    said = f"the journal says that idempotency key {entry.key!r} was a step of {undo.key}, "
    if undo.state == "open":
        why = "which has not ended: if its process is gone, client.recover() undoes it. Then use a new key"
        return Ruling(Decision.REFUSE, said + why, "unknown")
    return Ruling(Decision.REFUSE, said + "which undid it: use a new key", "not_sent")


def refuse_awaitable(returned: object) -> None:
    """A blocking client awaits nothing: ``TypeError`` says so, and nothing of the function has run."""
    if inspect.iscoroutine(returned):
        returned.close()
        raise TypeError("it is a coroutine function, which only the asyncio clients can call")
