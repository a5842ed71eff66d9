"""What ``resolve`` is given: the error of a call, what tore it, a group of them, or the key of a call that is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._core.doubts import Doubts
from ._core.invocation import Invocation
from ._core.operations import BY_NAME
from .exceptions import Doubt, MolamError, RequestValidationError

_NO_REQUEST = "this error carries no request that could be asked again"


def doubt_of(asked: BaseException | str | Doubt, doubts: Doubts) -> Doubt:
    """What is to be resolved; ``RequestValidationError`` where that is nothing, or more than one call."""
    if isinstance(asked, Doubt):
        return asked
    if isinstance(asked, str):
        found = doubts.find(asked)
        if found is None:
            raise RequestValidationError(f"nothing that this client remembers is in doubt under the key {asked!r}")
        return found
    if not isinstance(asked, BaseException):
        raise RequestValidationError(
            f"resolve takes an error, a Doubt or an idempotency key, not {type(asked).__name__}"
        )
    error = failed_call(asked)
    sent = error.request
    assert sent is not None  # noqa: S101 - failed_call finds none without; tells the type checker
    first_used_at = min(error.occurred_at, error.first_used_at or error.occurred_at)
    return Doubt(error.outcome, sent, first_used_at, error.account, error.base_url)


def invocation_of(doubt: Doubt) -> Invocation[Any]:
    """The invocation to be asked again, the very same."""
    sent = doubt.request
    if sent.operation not in BY_NAME:
        raise RequestValidationError(_NO_REQUEST)
    return Invocation(BY_NAME[sent.operation], sent.path, sent.body, sent.idempotency_key)


def failed_call(error: BaseException) -> MolamError:
    """The error of a call: this one, or the one that a cancellation, a Ctrl-C or a timeout around the call came of, or
    the only one in doubt of an ``ExceptionGroup``."""
    calls = list(_calls_in(error))
    in_doubt = [call for call in calls if call.outcome in ("unknown", "accepted")]
    found = in_doubt or calls
    if len(found) > 1:
        keys = ", ".join(sorted({str(call.idempotency_key) for call in found}))
        raise RequestValidationError(
            f"this group holds {len(found)} calls (idempotency keys {keys}): resolve each of its members by itself, "
            "or each key: client.resolve(key)"
        )
    if not found:
        raise RequestValidationError(_NO_REQUEST)
    return found[0]


def _calls_in(error: BaseException) -> Iterator[MolamError]:
    """The errors of calls in an error and what it came of, each request once."""
    seen: list[object] = []
    waiting: list[BaseException] = [error]
    while waiting:
        link = waiting.pop(0)
        if any(link is known for known in seen):
            continue
        seen.append(link)
        if isinstance(link, MolamError) and link.request is not None:
            if link.request not in seen:
                seen.append(link.request)
                yield link
            continue
        members = getattr(link, "exceptions", None)  # of an ExceptionGroup, the backport's for Python 3.10 included
        if isinstance(members, tuple):
            waiting.extend(member for member in members if isinstance(member, BaseException))
        cause = link.__cause__ or link.__context__
        if cause is not None:
            waiting.append(cause)
