"""The forms in which an answer is also seen, on demand: older gateways, newer versions."""

import json
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from ..contract.problems import JSON
from .exchange import REQUEST_ID

OLD_REQUEST_ID = "X-Request-ID"
_Form = Callable[[Response], Response]


def _old_request_id(response: Response) -> Response:
    request_id = response.headers.get(REQUEST_ID)
    if request_id is not None:
        del response.headers[REQUEST_ID]
        response.headers[OLD_REQUEST_ID] = request_id
    return response


def _no_request_id(response: Response) -> Response:
    if REQUEST_ID in response.headers:
        del response.headers[REQUEST_ID]
    return response


def _each_object(change: Callable[[dict[str, Any]], dict[str, Any]]) -> _Form:
    """A form that changes the object of an answer, or each of a list; errors stay as they are."""

    def form(response: Response) -> Response:
        if response.status_code >= 300 or not response.body or response.headers.get("content-type") != JSON:
            return response
        body = json.loads(bytes(response.body))
        listed = {**body, "data": [change(one) for one in body["data"]]} if "data" in body else change(body)
        response.body = json.dumps(listed, ensure_ascii=False).encode()
        response.headers["content-length"] = str(len(response.body))
        return response

    return form


_FORMS: dict[str, _Form] = {
    "old_request_id": _old_request_id,
    "no_request_id": _no_request_id,
    "unknown_fields": _each_object(lambda one: {**one, "seen_from_afar": {"since": 2099}}),
    "unknown_status": _each_object(lambda one: {**one, "status": "seen_from_afar"} if "status" in one else one),
}


def formed(response: Response, kind: str) -> Response:
    """The answer in the form of this kind of fault."""
    return _FORMS[kind](response)
