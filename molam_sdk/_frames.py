"""Exceptions leave the SDK with empty frames: a traceback says where and why, never with which values.

Sentry at its defaults, ``traceback`` with ``capture_locals``, rich, Django's debug page and ``pytest -l`` show or store
the local variables of every frame of a traceback, and those of ours hold API keys, webhook secrets and payments.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any, Final, TypeVar, cast

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
ClassT = TypeVar("ClassT", bound=type)

_OURS: Final = "molam_sdk"
# By what they are called for; the frames of each may hold a key, a token, a password or a payment.
_LIBRARIES: Final = frozenset(
    "pybreaker pydantic requests urllib3"  # calls
    " hvac boto3 botocore azure msal msal_extensions google grpc proto keyring keyrings secretstorage"  # secrets
    " sqlalchemy psycopg psycopg_pool psycopg2 pymysql MySQLdb mysql redis".split()  # stores and the journal
)
_CALLED_BY_US: Final = sys.stdlib_module_names | _LIBRARIES | {_OURS}


def without_values(function: FunctionT) -> FunctionT:
    """What it raises has empty frames below, and this one, which holds the arguments, forgets them."""
    if inspect.iscoroutinefunction(function):

        async def awaited(*arguments: Any, **named: Any) -> Any:
            try:
                return await function(*arguments, **named)
            except BaseException as error:
                del arguments, named
                _leave_empty(error)
                raise

        return cast(FunctionT, functools.wraps(function)(awaited))

    def called(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except BaseException as error:
            del arguments, named
            _leave_empty(error)
            raise

    return cast(FunctionT, functools.wraps(function)(called))


def raises_without_values(kind: ClassT) -> ClassT:
    """The class, its ``__init__`` and its public functions ``without_values``, those of its base classes left alone."""
    for name, member in tuple(vars(kind).items()):
        if name != "__init__" and name.startswith("_"):
            continue
        if inspect.isfunction(member):
            setattr(kind, name, without_values(member))
        elif isinstance(member, classmethod):
            setattr(kind, name, classmethod(without_values(member.__func__)))
        elif isinstance(member, property) and member.fset is not None:
            setattr(kind, name, member.setter(without_values(member.fset)))
    return kind


def _leave_empty(error: BaseException) -> None:
    """Empty its frames, also where something from outside strikes meanwhile.

    The error becomes the cause of what struck: as its context alone it would be lost wherever that is raised again
    while something else is handled, as ``await task`` does.
    """
    try:
        empty_frames(error)
    except BaseException as struck:
        if struck.__cause__ is None:
            struck.__cause__ = error
        empty_frames(struck)
        raise


def empty_frames(error: BaseException) -> None:
    """Empty the frames of an error, and of the errors it came of, that have ended: those of the SDK, and of libraries
    below them. A frame of the merchant's keeps its values, a callable that we called included. An error of a library
    forgets the request that it keeps: its header fields are credentials, its body is a payment."""
    below: set[int] = set()
    for link in _links(error):
        if _top(type(link).__module__) in _LIBRARIES:
            _forget_request(link)
        for frame in _frames_from_ours(link, below):
            with suppress(RuntimeError):  # it still runs
                frame.clear()


def _links(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    ahead: list[BaseException | None] = [error]
    while ahead:
        link = ahead.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        ahead += [link.__cause__, link.__context__, *getattr(link, "exceptions", ())]  # of an ExceptionGroup


def _frames_from_ours(error: BaseException, below: set[int]) -> Iterator[FrameType]:
    """The frames to empty, from the first of ours on: what stands above it is the merchant's.

    ``below``: the ids of frames below ours, of the errors that this one led to. An error that a library caught has
    none of ours in its traceback, which begins where it was caught.
    """
    below_ours = False
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        module = _top(frame.f_globals.get("__name__"))
        below_ours = below_ours or module == _OURS or id(frame) in below
        if below_ours:
            below.add(id(frame))
            if module in _CALLED_BY_US:
                yield frame
        trace = trace.tb_next


def _forget_request(error: BaseException) -> None:
    """``error.request``, and ``error.response.request`` (requests, Azure's libraries)."""
    for keeper in (error, getattr(error, "response", None)):
        if getattr(keeper, "request", None) is not None:
            with suppress(AttributeError):  # one that is computed
                keeper.request = None  # type: ignore[union-attr]


def _top(module: object) -> str:
    return str(module).partition(".")[0]
