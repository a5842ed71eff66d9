"""What is wrong with a payload, told by field and without its values: they may be personal data, or a card's."""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from ._interruption import pass_on_what_pydantic_kept
from ._shown import shown
from .exceptions import RequestValidationError

_SHOWN: Final = 5
_NO_VALUE: Final = "***"


class PayloadError(RequestValidationError, ValidationError):
    """A payload that is wrong: ``except MolamError`` catches it, and ``except pydantic.ValidationError`` too.

    ``errors()`` is pydantic's list of ``type``, ``loc`` and ``msg``; ``input`` is left out of it. A copy, or what comes
    out of a pickle, is a plain ``RequestValidationError``.
    """

    def __init__(self, title: str, *_lines: object) -> None:
        super().__init__(title)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return RequestValidationError, (self.message,)


def payload_error(problem: ValidationError) -> PayloadError:
    """The same as pydantic's error, one of ours too; what a signal handler raised into a validator is raised on."""
    message = f"{problem.title.lstrip('_')}: {explain(problem)}"
    lines = [
        InitErrorDetails(
            type=PydanticCustomError(line["type"], line["msg"]),  # pyright: ignore[reportArgumentType]  # wants a literal text
            loc=tuple(map(_place, line["loc"])),
            input=_NO_VALUE,
        )
        for line in problem.errors(include_url=False, include_context=False, include_input=False)
    ]
    error = PayloadError.from_exception_data(problem.title, lines)
    assert isinstance(error, PayloadError)  # noqa: S101 - made by its own class; tells the type checker
    error.message = message
    error.args = (message,)
    return error


def explain(problem: ValueError) -> str:
    """Field by field what pydantic found wrong; a ``ValueError`` that is not pydantic's is raised on."""
    pass_on_what_pydantic_kept(problem)
    if not isinstance(problem, ValidationError):
        raise problem
    errors = problem.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(_line(error["loc"], error["msg"]) for error in errors[:_SHOWN])


def _line(where: tuple[int | str, ...], message: str) -> str:
    field = ".".join(str(_place(part)) for part in where)
    message = message.removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def _place(part: int | str) -> int | str:
    """A field's name; one that no model knows was given by the merchant, and may be anything."""
    return part if isinstance(part, int) or shown(part) == repr(part) else shown(part)
