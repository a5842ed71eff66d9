"""From the bytes of a 2xx to what the operation answers with, or to what stands in its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn, TypeVar

from .. import models
from .._interruption import raised_from_outside
from ..models.response import RESPONSE_INFO, Document, ResponseInfo
from .evidence import is_molams
from .problem import tells_of_error
from .wire import Reply

T = TypeVar("T")
AnswerT = TypeVar("AnswerT", bound="models.Answer")


class UnreadableError(Exception):
    """A 2xx whose body is not what the operation answers with."""


def parse_model(model: Callable[[], type[AnswerT]]) -> Callable[[Reply], AnswerT]:
    """A reader of this model from an answer's bytes; the model is asked for with the first of them."""
    model = cache(model)

    def parse(reply: Reply) -> AnswerT:
        try:
            answer: AnswerT = model().__pydantic_validator__.validate_json(reply.body)
        except ValueError as problem:
            why = _what_pydantic_found(problem)
        else:
            return answer
        raise UnreadableError(why)

    return parse


def _what_pydantic_found(problem: ValueError) -> str:
    from .._payload_error import explain

    return explain(problem)


def parse_document(reply: Reply) -> Document:
    """Any JSON object but an error's, its fractions as Decimal; no body, from Molam, counts as an empty object."""
    if not reply.body.strip() and is_molams(reply.headers):
        return Document()
    return Document(_read_object(reply))


def parse_nothing(reply: Reply) -> None:
    """For operations that answer nothing: no body, or an object that is no error."""
    if reply.body.strip():
        _read_object(reply)


def attach(result: T, info: ResponseInfo) -> T:
    """Put how the answer came beside its data, outside of what pydantic dumps and compares."""
    if isinstance(result, models.Answer):
        vars(result)[RESPONSE_INFO] = info
    elif isinstance(result, Document):
        result.response = info
    return result


def _read_object(reply: Reply) -> dict[str, Any]:
    try:
        value = json.loads(reply.body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as problem:
        if raised_from_outside(problem):
            raise
        raise UnreadableError(str(problem)) from None
    if not isinstance(value, dict):
        raise UnreadableError(f"a JSON object was expected, not {type(value).__name__}")
    if tells_of_error(value):
        raise UnreadableError("it is an error")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
