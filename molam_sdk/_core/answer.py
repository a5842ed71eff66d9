"""From the bytes of a 2xx to what the operation answers with."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import NoReturn, TypeVar

from pydantic import ValidationError

from ..models import RESPONSE_INFO, Answer, Document, ResponseInfo
from .bodies import explain
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
    """Any JSON object, its fractions as Decimal; no body counts as an empty object."""
    if not reply.body.strip():
        return Document()
    try:
        value = json.loads(reply.body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as problem:
        raise UnreadableError(str(problem)) from None
    if not isinstance(value, dict):
        raise UnreadableError(f"a JSON object was expected, not {type(value).__name__}")
    return Document(value)


def parse_nothing(reply: Reply) -> None:
    """For operations that answer nothing: any 2xx will do."""


def attach(result: T, info: ResponseInfo) -> T:
    """Put how the answer came beside its data, outside of what pydantic dumps and compares."""
    if isinstance(result, Answer):
        vars(result)[RESPONSE_INFO] = info
    elif isinstance(result, Document):
        result.response = info
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
