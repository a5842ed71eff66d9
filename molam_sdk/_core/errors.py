"""From the end of a failed call to the one error that tells the truth about it."""

from __future__ import annotations

from typing import Final

from ..exceptions import (
    APIError,
    AuthenticationError,
    BulkheadFullError,
    CircuitOpenError,
    ConflictError,
    DeclinedError,
    IdempotencyError,
    InvalidRequestError,
    MolamError,
    MolamTimeoutError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    RequestValidationError,
    ResponseError,
    ServerError,
)
from .problem import Problem
from .wire import Failure, NoReply, Reply

_BY_CODE: Final[dict[tuple[int, str], type[APIError]]] = {
    (409, "idempotency_in_progress"): IdempotencyError,
    (422, "idempotency_key_reused"): IdempotencyError,
}
_BY_STATUS: Final[dict[int, type[APIError]]] = {
    401: AuthenticationError,
    402: DeclinedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}
_BY_FAILURE: Final[dict[Failure, type[MolamError]]] = {
    Failure.CIRCUIT_OPEN: CircuitOpenError,
    Failure.BULKHEAD_FULL: BulkheadFullError,
    Failure.NOT_SENDABLE: RequestValidationError,
    Failure.NO_TIME: MolamTimeoutError,
    Failure.CONNECT_TIMEOUT: MolamTimeoutError,
    Failure.TIMEOUT: MolamTimeoutError,
    Failure.MALFORMED: ResponseError,
    Failure.TOO_LARGE: ResponseError,
}


def to_error(answer: Reply | NoReply, problem: Problem | None) -> MolamError:
    """The error for this last answer; the caller adds outcome, key and the other facts of the call."""
    if isinstance(answer, NoReply):
        return _from_no_reply(answer)
    if not 300 <= answer.status < 600:
        return ResponseError(f"{answer.status} is no status of HTTP", status_code=answer.status, body=answer.body)
    return _from_reply(answer, problem or Problem("unknown error"))


def unreadable(reply: Reply, why: str) -> ResponseError:
    """A 2xx whose body is not what the operation answers with: it happened all the same."""
    error = ResponseError(f"the answer cannot be read: {why}", status_code=reply.status, body=reply.body)
    error.outcome = "accepted"
    return error


def _from_no_reply(answer: NoReply) -> MolamError:
    kind = _BY_FAILURE.get(answer.failure, NetworkError)
    if issubclass(kind, ResponseError):
        error: MolamError = kind(answer.detail, status_code=answer.status)
    else:
        error = kind(answer.detail)
    error.retry_after = answer.retry_after
    error.__cause__ = answer.cause
    return error


def _from_reply(reply: Reply, problem: Problem) -> APIError:
    return _class_of(reply.status, problem.code or "")(
        reply.status, problem.message, problem.body, code=problem.code, param=problem.param
    )


def _class_of(status: int, code: str) -> type[APIError]:
    named = _BY_CODE.get((status, code)) or _BY_STATUS.get(status)
    if named is not None:
        return named
    if 300 <= status < 400:
        return RedirectError
    return InvalidRequestError if 400 <= status < 500 else ServerError
