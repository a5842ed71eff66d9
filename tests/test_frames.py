"""Exceptions leave with empty frames: the SDK's and those of libraries below, never the merchant's."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import traceback
from typing import Any

import pytest

from molam_sdk import _frames
from molam_sdk._frames import empty_frames, raises_without_values, without_values
from tests.support.tearing import TimeIsUp, Torn, tearing

OURS = {"__name__": "molam_sdk.somewhere"}
EXEC = """
import json
from contextlib import contextmanager

def fail(value):
    raise KeyError("no")

def call(function, secret):
    kept = secret
    return function(kept)

def read(secret):
    return json.loads(secret)

@contextmanager
def within(secret):
    yield secret

def chained(secret):
    try:
        fail(secret)
    except KeyError as problem:
        raise ValueError("chained") from problem

async def awaited(secret):
    fail(secret)

async def handing(function, secret):
    return await function(secret)
"""


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    """Functions of a module that is the SDK's by its name."""
    made = dict(OURS)
    exec(compile(EXEC, "somewhere.py", "exec"), made)
    return made


def _values(error: BaseException) -> dict[str, dict[str, str]]:
    links = [error, *(link for link in (error.__cause__, error.__context__) if link is not None)]
    return {
        frame.f_code.co_name: {name: repr(value) for name, value in frame.f_locals.items()}
        for link in links
        for frame, _ in traceback.walk_tb(link.__traceback__)
        if frame.f_code.co_name != "_caught"
    }


def _caught(function: Any, *arguments: Any, **named: Any) -> BaseException:
    try:
        function(*arguments, **named)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def test_our_frames_are_empty_and_so_is_the_one_that_took_the_arguments(ours: dict[str, Any]) -> None:
    values = _values(_caught(without_values(ours["call"]), ours["fail"], secret="s3cret"))
    assert values["call"] == values["fail"] == {}
    assert values["called"].keys() <= {"function", "error"}


def test_frames_of_a_library_below_ours_are_empty_too(ours: dict[str, Any]) -> None:
    values = _values(_caught(without_values(ours["read"]), "{s3cret"))
    assert values["raw_decode"] == values["decode"] == values["loads"] == {}


def test_a_frame_of_the_merchants_keeps_its_values(ours: dict[str, Any]) -> None:
    def merchants(value: str) -> None:
        raise RuntimeError(len(value))

    values = _values(_caught(without_values(ours["call"]), merchants, "own"))
    assert values["merchants"] == {"value": "'own'"}
    assert values["call"] == {}


def test_frames_above_ours_keep_theirs(ours: dict[str, Any]) -> None:
    import json

    def merchants(own: str) -> None:
        try:
            json.loads(own)
        except ValueError:
            without_values(ours["fail"])(own)

    values = _values(_caught(merchants, "{not ours"))
    assert values["loads"]["s"] == "'{not ours'"
    assert values["fail"] == {}


def test_what_an_error_came_of_is_emptied_as_well(ours: dict[str, Any]) -> None:
    error = _caught(without_values(ours["chained"]), "s3cret")
    assert isinstance(error.__cause__, KeyError)
    assert "s3cret" not in str(_values(error))


def test_members_of_a_group_are_emptied(ours: dict[str, Any]) -> None:
    class GroupError(Exception):
        """As the backport of ExceptionGroup has them."""

        def __init__(self, *exceptions: BaseException) -> None:
            self.exceptions = exceptions

    member = _caught(ours["call"], ours["fail"], "s3cret")
    assert "s3cret" in str(_values(member))
    empty_frames(GroupError(member))
    assert "s3cret" not in str({name: values for name, values in _values(member).items() if name in ("call", "fail")})


def test_a_circle_of_causes_ends(ours: dict[str, Any]) -> None:
    one, other = _caught(ours["fail"], 1), _caught(ours["fail"], 2)
    one.__cause__, other.__cause__ = other, one
    empty_frames(one)
    assert _values(one)["fail"] == {}


def test_a_coroutine_function_stays_one_and_is_emptied(ours: dict[str, Any]) -> None:
    guarded = without_values(ours["handing"])
    assert inspect.iscoroutinefunction(guarded)
    error = _caught(lambda: asyncio.run(guarded(ours["awaited"], "s3cret")))
    assert {name: values for name, values in _values(error).items() if name in ("handing", "awaited", "fail")} == {
        "handing": {},
        "awaited": {},
        "fail": {},
    }
    assert "s3cret" not in str(_values(error))


def test_a_frame_that_still_runs_is_left_alone(ours: dict[str, Any]) -> None:
    def during(value: str) -> str:
        error = _caught(ours["fail"], value)
        empty_frames(error)
        return value

    assert without_values(ours["call"])(during, "kept") == "kept"


def test_what_is_not_raised_passes(ours: dict[str, Any]) -> None:
    assert without_values(ours["call"])(str.upper, secret="a") == "A"


class _Base:
    def inherited(self, secret: str) -> None:
        raise KeyError(len(secret))


@raises_without_values
class _Kind(_Base):
    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("empty")
        self._place = secret

    def public(self, secret: str) -> None:
        self._private(secret)

    def _private(self, secret: str) -> None:
        raise KeyError(len(secret))

    @classmethod
    def made(cls, secret: str) -> _Kind:
        return cls(secret[:0])

    @property
    def place(self) -> str:
        return self._place

    @place.setter
    def place(self, secret: str) -> None:
        raise KeyError(len(secret))


def test_a_class_has_its_public_functions_guarded_and_nothing_else() -> None:
    kind = _Kind("x")
    guarded = {name for name, member in vars(_Kind).items() if hasattr(member, "__wrapped__")}
    assert {"__init__", "public"} <= guarded
    assert "_private" not in guarded
    assert kind.place == "x"
    assert list(inspect.signature(_Kind.public).parameters) == ["self", "secret"]
    for call in (lambda: _Kind(""), lambda: _Kind.made("s3cret"), lambda: kind.public("s3cret")):
        assert "s3cret" not in str({**_values(_caught(call)), "public": 0, "_private": 0, "made": 0})
    with pytest.raises(KeyError):
        kind.place = "s3cret"


LIBRARY = """
def catching(secret):
    try:
        raising(secret)
    except KeyError:
        raise ValueError("caught below")

def raising(secret):
    raise KeyError("no")
"""


def _library(name: str) -> dict[str, Any]:
    made: dict[str, Any] = {"__name__": name}
    exec(compile(LIBRARY, "library.py", "exec"), made)
    return made


@pytest.mark.parametrize("name", ["hvac.adapters", "botocore.client", "azure.core", "google.auth", "sqlalchemy.engine"])
def test_what_a_library_caught_and_raised_anew_has_empty_frames_too(name: str, ours: dict[str, Any]) -> None:
    values = _values(_caught(without_values(ours["call"]), _library(name)["catching"], "s3cret"))
    assert values["call"] == values["catching"] == values["raising"] == {}


def test_what_the_merchant_was_handling_keeps_its_values(ours: dict[str, Any]) -> None:
    library = _library("requests.sessions")

    def merchant() -> None:
        try:
            library["catching"]("the merchant's")
        except ValueError:
            without_values(ours["call"])(ours["fail"], "s3cret")

    error = _caught(merchant)
    assert _values(error)["call"] == {}
    assert error.__context__ is not None
    handled = _values(error.__context__)
    assert (handled["catching"], handled["raising"]) == ({"secret": '"the merchant\'s"'},) * 2


@pytest.mark.parametrize("kind", [Torn, TimeIsUp])
async def test_what_strikes_while_frames_are_emptied_has_the_error_for_its_cause(
    ours: dict[str, Any], kind: type[BaseException]
) -> None:
    def tear(where: str) -> None:
        raise kind(where)

    begins = inspect.getsourcelines(empty_frames)[1]  # from here on to its end the file empties frames
    guarded, struck = without_values(ours["awaited"]), 0
    for line in itertools.count(1):
        caught: BaseException | None = None
        try:
            raise LookupError("the merchant's own, under which the call is made")
        except LookupError:
            with tearing(line, tear, _frames.__file__) as at:
                try:
                    await asyncio.ensure_future(guarded("sk_live_secret"))
                except (kind, KeyError) as problem:
                    caught = problem
        where = at.where
        if not where:
            break
        if int(where.rpartition(":")[2]) > begins:
            assert caught is not None
            assert isinstance(caught.__cause__, KeyError), where
            kept = [frame.f_locals for frame, _ in traceback.walk_tb(caught.__cause__.__traceback__)]
            assert all("secret" not in values and "value" not in values for values in kept), where
            struck += 1
    assert struck > 20
