"""What both transports make of an exception: an answer for the core, with nothing in it that is secret."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from .._core.wire import Failure, NoReply
from .._http.error import NoReplyError
from .._interruption import raised_from_outside


def unforeseen(problem: Exception, *, sent: bool) -> NoReplyError:
    """An exception that no table knows. It may only cast a doubt if a byte of the request has been handed over."""
    failure = Failure.RESET if sent else Failure.LOCAL
    error = NoReplyError(failure, f"{type(problem).__name__}: {problem}")
    error.__cause__ = problem
    return error


def pass_on_interruption(problem: BaseException) -> None:
    """Raise again what was raised into the transport from outside, though a library or we took it for a failure."""
    if (interruption := interruption_in(problem)) is not None:
        raise interruption


def interruption_in(problem: BaseException) -> BaseException | None:
    """What a failure is made of that was raised from outside; the innermost, since libraries copy tracebacks.

    Its frames are dropped, as in ``no_reply``.
    """
    found = [link for link in links_of(problem) if raised_from_outside(link)]
    return found[-1].with_traceback(None) if found else None


def links_of(problem: BaseException) -> Iterator[BaseException]:
    """An exception and those that it was made of: requests wraps urllib3's, which wraps the standard library's."""
    seen: list[BaseException] = []
    ahead = [problem]
    while ahead:
        link = ahead.pop(0)
        if any(link is known for known in seen):
            continue
        seen.append(link)
        yield link
        # Not __context__: that may be what the merchant's own code was handling when it called.
        parts = (*link.args, getattr(link, "reason", None), getattr(link, "original_error", None), link.__cause__)
        ahead += [part for part in parts if isinstance(part, BaseException)]


def no_reply(error: NoReplyError) -> NoReply:
    """The value for the core. Frames are dropped from its cause: they hold the request, and that the API key."""
    cause = error.__cause__
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__
    return error.no_reply()


def refuses_our_certificate(problem: BaseException | None) -> bool:
    """Whether TLS ended for want of a client certificate."""
    text = str(problem)
    return isinstance(problem, OSError) and "ALERT" in text and ("CERTIFICATE" in text or "UNKNOWN_CA" in text)


def handshake_refused(problem: BaseException | None, tls: object) -> bool:
    """Whether the server has refused our certificate, and so cannot have read what was written meanwhile.

    A TLS 1.3 server checks a certificate after the client has begun to write, and reads nothing before (RFC 8446
    §4.4.4). Once it has, it sends session tickets: an alert that comes after them may come after the request was read.
    """
    if not refuses_our_certificate(problem) or not isinstance(tls, ssl.SSLSocket | ssl.SSLObject):
        return False
    return tls.session is None or not (tls.session.has_ticket or tls.session.id)
