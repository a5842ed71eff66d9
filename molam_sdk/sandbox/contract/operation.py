"""ContractOperation: what the contract says of one operation, for the router, the keys and the OpenAPI document."""

from dataclasses import dataclass
from typing import Any

from .bodies import Field, RequestBody
from .schemas import AnswerSchema
from .values import InvalidValueError, ValueKind

CONNECT = "/v1/connect"
MAX_PAGE = 100
DEFAULT_PAGE = 10


def _limit(value: Any) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MAX_PAGE):
        raise InvalidValueError(f"must be a whole number from 1 to {MAX_PAGE}")
    return int(text)


# A filter takes any text: one that matches nothing gives an empty list.
ANY_TEXT = ValueKind(str, {"type": "string"})
PAGE = (
    Field("limit", ValueKind(_limit, {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE})),
    Field("starting_after", ValueKind(str, {"type": "string", "description": "The last id of the page before."})),
)


def filters(*names: str) -> tuple[Field, ...]:
    """The query of a list: its page, and these filters by text."""
    return (*PAGE, *(Field(name, ANY_TEXT) for name in names))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractOperation:
    """One operation: where it is, who may, what comes in (`request`, `query`), what goes out, what is refused.

    `response` is the object answered, None for an answer without a body; `listed` says that it comes in a list.
    `refusals` are error statuses beyond those that follow from the method and the path; `magic` the kinds of objects
    whose magic values its metadata may name.
    """

    name: str
    method: str
    path: str
    scope: str
    response: AnswerSchema | None
    request: RequestBody | None = None
    query: tuple[Field, ...] = ()
    status: int = 200
    listed: bool = False
    refusals: tuple[int, ...] = ()
    magic: tuple[str, ...] = ()

    @property
    def paged(self) -> bool:
        """Whether its list comes in pages."""
        return any(field.name == "starting_after" for field in self.query)
