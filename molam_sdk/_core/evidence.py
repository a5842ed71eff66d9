"""What makes an answer Molam's: its request id, and a body in one of its shapes.

Gateways, firewalls, captive portals and maintenance pages answer in Molam's place, some of them with JSON. What they
say is evidence of nothing: it neither settles a doubt nor says "no" about a request that was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from .problem import Problem, Shape, tells_of_error
from .wire import Reply

MOLAM_REQUEST_ID: Final = "X-Molam-Request-Id"
ANY_REQUEST_ID: Final = "X-Request-ID"


class Evidence(Enum):
    """How far an error answer may be believed."""

    PROVEN = "proven"
    """It is Molam's: it means what its status says, and settles an earlier doubt where the status does."""

    CLAIMED = "claimed"
    """It may be Molam's, as in a merchant's mock: it keeps its meaning, but settles no earlier doubt."""

    NONE = "none"
    """Anybody may have said so."""


class RequestId(Enum):
    """Which request id an answer carries. Envoy, Kong and others put ``X-Request-ID`` on every answer."""

    MOLAMS = MOLAM_REQUEST_ID
    ANY = f"only {ANY_REQUEST_ID}"
    NONE = "none"


class Instead(Enum):
    """What a 2xx brings in place of the operation's answer."""

    JSON = "2xx, JSON that cannot be read"
    """Under Molam's request id: it was carried out, and only what came of it cannot be read."""

    ERROR = "2xx, an error in the body"
    OTHER = "2xx, about something else"
    """The answer of another call: see ``echo``."""

    PAGE = "2xx, a page or nothing"
    """Also JSON without Molam's request id: a maintenance page, a captive portal, anybody's answer."""


_PROVEN, _CLAIMED, _NONE = Evidence.PROVEN, Evidence.CLAIMED, Evidence.NONE

EVIDENCE: Final[Mapping[Shape | None, Mapping[RequestId, Evidence]]] = {
    shape: dict(zip(RequestId, row, strict=True))
    for shape, row in {
        #                  Molam's   any      none
        Shape.NESTED:     (_PROVEN, _PROVEN, _CLAIMED),
        Shape.FLAT:       (_PROVEN, _NONE,   _NONE),
        Shape.ERROR_CODE: (_PROVEN, _NONE,   _NONE),
        Shape.DETAILS:    (_PROVEN, _NONE,   _NONE),
        None:             (_NONE,   _NONE,   _NONE),
    }.items()
}  # fmt: skip
"""The rule, by the shape of the body and the request id."""


def evidence_of(headers: Mapping[str, str], problem: Problem | None) -> Evidence:
    """Whose an error answer is."""
    return EVIDENCE[problem.shape if problem is not None else None][_request_id_of(headers)]


def is_molams(headers: Mapping[str, str] | None) -> bool:
    """Whether the head is Molam's: for answers whose body is lost, or is nothing."""
    return headers is not None and _request_id_of(headers) is RequestId.MOLAMS


def what_came_instead(reply: Reply, problem: Problem) -> Instead:
    """What a 2xx is whose body is not what the operation answers with. ``problem``: that body, read as an error's."""
    if problem.shape is not None or tells_of_error(problem.body):
        return Instead.ERROR
    return Instead.JSON if is_molams(reply.headers) and reply.body.lstrip().startswith(b"{") else Instead.PAGE


def _request_id_of(headers: Mapping[str, str]) -> RequestId:
    if headers.get(MOLAM_REQUEST_ID):
        return RequestId.MOLAMS
    return RequestId.ANY if headers.get(ANY_REQUEST_ID) else RequestId.NONE
