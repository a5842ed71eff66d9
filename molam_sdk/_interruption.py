"""Tells an exception that was raised into our code from outside from one that our code, or what it called, raised."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Final

# Code that waits on a call's behalf. What a thread raises into it (PyThreadState_SetAsyncExc) is of no type it knows.
_WAITING: Final = frozenset({"molam_sdk", "requests", "selectors", "socket", "ssl", "threading", "urllib3"})
_OF_LIBRARIES: Final = sys.stdlib_module_names | {"molam_sdk", "pydantic_core", "requests", "urllib3"}


def raised_from_outside(problem: BaseException) -> bool:
    """Whether a signal handler or another thread raised it: a time limit of the merchant's, not a failure of the call.

    Celery's ``SoftTimeLimitExceeded`` and the ``TimeoutError`` of a SIGALRM handler look like any exception of the
    system call that they end; what gives them away is the frame of the handler in their traceback.
    """
    if not isinstance(problem, Exception):
        return True
    innermost: FrameType | None = None
    for frame in _frames(problem):
        if innermost is not None and _handles_signal(frame, innermost):
            return True
        innermost = frame
    return innermost is not None and _top(innermost.f_globals.get("__name__")) in _WAITING and _is_strange(problem)


def pass_on_what_pydantic_kept(problem: BaseException) -> None:
    """Raise again what was raised from outside into a validator or a serializer, where pydantic took it for theirs."""
    for link in (problem, *_kept_by_pydantic(problem)):
        if raised_from_outside(link):
            raise link


def _kept_by_pydantic(problem: BaseException) -> Iterator[BaseException]:
    below = problem.__cause__
    while below is not None:
        yield below
        below = below.__cause__
    if "pydantic_core" not in sys.modules:
        return
    from pydantic_core import ValidationError

    if isinstance(problem, ValidationError):
        for error in problem.errors(include_url=False, include_input=False):
            kept = error.get("ctx", {}).get("error")
            if isinstance(kept, BaseException):
                yield kept


def _frames(problem: BaseException) -> Iterator[FrameType]:
    trace = problem.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _handles_signal(frame: FrameType, interrupted: FrameType) -> bool:
    """A handler is called with the frame that it interrupts, which nothing else is."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 0x04)  # CO_VARARGS
    arguments = [frame.f_locals.get(name) for name in code.co_varnames[:count]]
    given = [*arguments, *(item for argument in arguments if isinstance(argument, tuple) for item in argument)]
    return any(argument is interrupted for argument in given) or code in _registered()


def _registered() -> Iterator[CodeType | None]:
    """The code of every signal handler in force: one that forgot the frame it was given is known by it."""
    if "signal" not in sys.modules:  # who has not imported it has no handler
        return
    import signal

    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        yield getattr(getattr(handler, "__func__", handler), "__code__", None)


def _is_strange(problem: Exception) -> bool:
    return _top(type(problem).__module__) not in _OF_LIBRARIES


def _top(module: object) -> str:
    return str(module).partition(".")[0]
