"""From the bytes of a 2xx to what the operation answers with, or to what stands in its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

from ..models import RESPONSE_INFO, Answer, Document, ResponseInfo
from .bodies import explain
from .evidence import is_molams
from .problem import read_problem
from .wire import Reply

T = TypeVar("T")
AnswerT = TypeVar("AnswerT", bound=Answer)


class UnreadableError(Exception):
    """A 2xx whose body is not what the operation answers with."""


def parse_model(model: type[AnswerT]) -> Callable[[Reply], AnswerT]:
    """A reader of this model from an answer's bytes."""

    def parse(reply: Reply) -> AnswerT:
        try:
            answer: AnswerT = model.__pydantic_validator__.validate_json(reply.body)
        except ValidationError as problem:
            raise UnreadableError(explain(problem)) from None
        return answer

    return parse


def parse_model_of(model: Callable[[], type[AnswerT]]) -> Callable[[Reply], AnswerT]:
    """The same for a model that is made at the first answer: ``Page[Refund]`` builds what it is made of."""
    reader = cache(lambda: parse_model(model()))

    def parse(reply: Reply) -> AnswerT:
        return reader()(reply)

    return parse


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
    if isinstance(result, Answer):
        vars(result)[RESPONSE_INFO] = info
    elif isinstance(result, Document):
        result.response = info
    return result


def _read_object(reply: Reply) -> dict[str, Any]:
    try:
        value = json.loads(reply.body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as problem:
        raise UnreadableError(str(problem)) from None
    if not isinstance(value, dict):
        raise UnreadableError(f"a JSON object was expected, not {type(value).__name__}")
    if _is_an_error(value, reply.body):
        raise UnreadableError("it is an error")
    return value


def _is_an_error(value: dict[str, Any], body: bytes) -> bool:
    """Whether an object is an error, and not an object of its own that tells of one."""
    names_one = "id" not in value and ("error" in value or "error_code" in value)
    return names_one and read_problem(body).shape is not None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
