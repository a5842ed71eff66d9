"""What both transports make of an exception: an answer for the core, with nothing in it that is secret."""

from __future__ import annotations

from .._core.wire import Failure, NoReply
from .._http.error import NoReplyError


def unforeseen(problem: Exception, *, sent: bool) -> NoReplyError:
    """An exception that no table knows. It may only cast a doubt if a byte of the request has been handed over."""
    failure = Failure.RESET if sent else Failure.LOCAL
    error = NoReplyError(failure, f"{type(problem).__name__}: {problem}")
    error.__cause__ = problem
    return error


def no_reply(error: NoReplyError) -> NoReply:
    """The value for the core. Frames are dropped from its cause: they hold the request, and that the API key."""
    cause = error.__cause__
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__
    return error.no_reply()


def refuses_our_certificate(problem: BaseException | None) -> bool:
    """Whether TLS ended for want of a client certificate.

    TLS 1.3 tells of it only after the handshake; no request is read before it is checked.
    """
    text = str(problem)
    return isinstance(problem, OSError) and "ALERT" in text and ("CERTIFICATE" in text or "UNKNOWN_CA" in text)
