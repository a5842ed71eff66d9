"""What is written of a call before it and after it, and what is said where the journal forbids it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from .._core.account import account_of
from .._core.call import Call
from .._core.doubts import request_of
from .._core.invocation import Invocation
from .._core.wire import Headers, Reply
from .._resolving import failed_call
from ..exceptions import Doubt, JournalError, MolamError, MolamTimeoutError, Outcome, RequestValidationError
from ..journal.entry import Asked, End, Entry, KeptAnswer, State
from ..journal.naming import TAG, tag_in_body, with_tag
from ..journal.notes import notes
from ..journal.rules import Ruling
from .opening import first_line

T = TypeVar("T")

NOT_BEGUN: Final = End("free", "not_sent", "not_begun")


@dataclass(frozen=True, slots=True)
class NotWritten:
    """A call could not be written down. ``uncertain``: its entry may be there all the same."""

    problem: Exception
    uncertain: bool


def to_be_sent(invocation: Invocation[T], *, tags: bool) -> Invocation[T]:
    """The invocation with its object's tag, where the client tags objects. ``RequestValidationError`` for a tag of
    another object: an event about this one would be taken for that one's."""
    if tag_in_body(invocation.body) is not None:
        raise RequestValidationError(f"metadata.{TAG} is the SDK's own, of another object: leave it out of the copy")
    if not tags or invocation.idempotency_key is None:
        return invocation
    return replace(invocation, body=with_tag(invocation.operation.name, invocation.idempotency_key, invocation.body))


def asked_of(
    invocation: Invocation[Any], base_url: str, account: str | None, doubt: Doubt | None, same_account: bool
) -> Asked:
    """What a call asks the journal for. ``doubt``: what is to be resolved."""
    operation, noted = invocation.operation, notes()
    return Asked(
        key=invocation.idempotency_key or "",
        token=os.urandom(16).hex(),
        operation=operation.name,
        method=operation.method,
        path=invocation.path,
        body=invocation.body,
        base_url=base_url,
        account=account,
        actor=noted.actor,
        trace_id=noted.trace_id,
        age=0.0 if doubt is None else max(0.0, time.time() - doubt.first_used_at),
        outcome=None if doubt is None or doubt.outcome not in ("unknown", "accepted") else doubt.outcome,
        same_account=same_account,
    )


def end_of(call: Call[Any], error: BaseException | None) -> End:
    """How a call ended: closed only where that is known for certain."""
    record = call.record(error)
    return End(
        _state_after(call, record.outcome),
        record.outcome,
        record.code,
        record.attempts,
        record.request_id,
        account_of(call.request.headers),
        KeptAnswer.of(call.answer) if call.settled and call.answer is not None else None,
        retry_after=float(getattr(error, "retry_after", None) or 0.0),
    )


def _state_after(call: Call[Any], outcome: Outcome | None) -> State:
    if outcome is None:
        return "done"
    if outcome == "rejected" and call.settled:
        return "refused"
    return "free" if outcome in ("not_sent", "rejected") else "open"


def kept_reply(entry: Entry) -> tuple[Reply, Outcome]:
    """The reply that a closed entry gives again, and the outcome that it stands for."""
    done = entry.state == "done"
    if entry.answer is not None:
        reply = entry.answer.reply(entry.ended_at or 0.0)
    elif done:
        reply = Reply(200, Headers(), b"", entry.ended_at or 0.0)
    else:  # settled by hand
        problem = {"code": "settled_by_hand", "message": entry.note or "the journal says that this was not done"}
        reply = Reply(400, Headers(), json.dumps({"error": problem}).encode(), entry.ended_at or 0.0)
    return reply, "accepted" if done else "rejected"


def not_enqueued(problem: Exception, invocation: Invocation[Any]) -> MolamError:
    """The error of an operation that could not be written down in the shop's transaction."""
    if isinstance(problem, ValueError):  # said of the transaction that was given, or is missing
        return _with_facts(RequestValidationError(str(problem)), invocation, None)
    text = f"the journal cannot be written, so nothing is enqueued: {first_line(problem)}"
    return _with_facts(JournalError(text, outcome="not_sent"), invocation, None)


def ruled_out(ruling: Ruling, invocation: Invocation[Any], entry: Entry | None) -> MolamError:
    """The error of a call that the journal forbids."""
    told = entry if ruling.outcome != "not_sent" else None
    return _with_facts(RequestValidationError(ruling.why, outcome=ruling.outcome), invocation, told)


def still_running(invocation: Invocation[Any], entry: Entry | None) -> MolamError:
    """The error of a call that waited in vain for another one under its key."""
    message = (
        f"another worker is carrying this out under idempotency key {invocation.idempotency_key!r}, and it did not end "
        "in time"
    )
    return _with_facts(MolamTimeoutError(message, outcome="unknown"), invocation, entry)


def not_written(failure: NotWritten, invocation: Invocation[Any], doubt: Doubt | None) -> MolamError:
    """The error of a call that could not be written down. ``doubt``: what this process knows of its key."""
    outcome: Outcome = "unknown" if failure.uncertain else "not_sent"
    if doubt is not None:
        outcome = doubt.outcome
    text = f"the journal cannot be written, so nothing was sent: {first_line(failure.problem)}"
    error = _with_facts(JournalError(text, outcome=outcome), invocation, None)
    if doubt is not None:
        error.first_used_at, error.account, error.base_url = doubt.first_used_at, doubt.account, doubt.base_url
    return error


def not_read(problem: Exception) -> MolamError:
    """The error of a question that the journal does not answer."""
    return JournalError(f"the journal cannot be read: {first_line(problem)}", outcome="not_sent")


def leave_in_doubt(error: BaseException) -> None:
    """Have an error not say that nothing was done, where its entry stays open and may be asked again by ``recover``."""
    try:
        call = failed_call(error)
    except RequestValidationError:
        if not isinstance(error, MolamError):
            return
        call = error
    if call.outcome in ("not_sent", "rejected"):
        call.outcome = "unknown"


def _with_facts(error: MolamError, invocation: Invocation[Any], entry: Entry | None) -> MolamError:
    error.operation, error.idempotency_key = invocation.operation.name, invocation.idempotency_key
    error.request = request_of(invocation)
    if entry is not None:
        error.first_used_at = time.time() - entry.age
        error.account, error.base_url, error.request_id = entry.account, entry.base_url, entry.request_id
    return error
