"""The OpenAPI 3.1 document, made from the same tables that route, validate and answer."""

from collections.abc import Iterable
from typing import Any

from ..domain.events import EVENT_TYPES
from ..domain.magic import MAGIC, METADATA_KEY
from .operation import ContractOperation
from .problems import ERROR_FORMATS, JSON
from .schemas import ERRORS, EVENT, JsonSchema, body_schema, list_of, reference

_MEANINGS = {
    400: "The request is invalid; `param` names the parameter.",
    401: "The key is missing or not known.",
    402: "Declined, or the balance does not cover the payout.",
    403: "The key lacks the scope.",
    404: "No such object.",
    409: "The first request with this key still runs (`idempotency_in_progress`), or a state conflict.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "The key was used with another request (`idempotency_key_reused`), or an amount is too large.",
    429: "Too many requests.",
}
_ALWAYS = (401, 403, 429)
_OF_POST = (400, 409, 413, 415, 422)


def error_statuses(operation: ContractOperation) -> tuple[int, ...]:
    """The error statuses this operation can answer with, injected faults left out."""
    statuses = {*_ALWAYS, *operation.refusals, *(_OF_POST if operation.method == "POST" else ())}
    if operation.query:
        statuses.add(400)
    if "{id}" in operation.path:
        statuses.add(404)
    return tuple(sorted(statuses))


def _header(description: str, **schema: Any) -> JsonSchema:
    return {"description": description, "schema": {"type": "string", **schema}}


_REQUEST_ID: JsonSchema = {"X-Molam-Request-Id": {**_header("Name it to support."), "required": True}}
_REPLAYED: JsonSchema = {"Idempotent-Replayed": _header("The first answer to this key again.", const="true")}


def _answers(operation: ContractOperation) -> JsonSchema:
    headers = {**_REQUEST_ID, **(_REPLAYED if operation.method == "POST" else {})}
    good: JsonSchema = {"description": "Done.", "headers": headers}
    if operation.response is not None:
        name = operation.response.name
        schema = list_of(name, operation.paged) if operation.listed else reference(name)
        good["content"] = {JSON: {"schema": schema}}
    return {str(operation.status): good} | {str(status): _error(status) for status in error_statuses(operation)}


def _error(status: int) -> JsonSchema:
    headers = {**_REQUEST_ID, **({"Retry-After": _header("Seconds.")} if status == 429 else {})}
    plain = {"schema": {"anyOf": [reference(name) for name in ERRORS if name != "Problem"]}}
    content = {JSON: plain, "application/problem+json": {"schema": reference("Problem")}}
    return {"description": _MEANINGS[status], "headers": headers, "content": content}


def _parameters(operation: ContractOperation) -> list[JsonSchema]:
    found: list[JsonSchema] = [
        {"name": field.name, "in": "query", "schema": dict(field.kind.schema)} for field in operation.query
    ]
    if "{id}" in operation.path:
        path_id = {"type": "string", "pattern": "^[a-z]{2}_[0-9a-f]{24}$"}
        found.append({"name": "id", "in": "path", "required": True, "schema": path_id})
    if operation.method == "POST":
        key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": key})
    formats = f"One of {', '.join(ERROR_FORMATS)}; anything else counts as standard."
    wanted = {"name": "Molam-Error-Format", "in": "header", "schema": {"type": "string"}, "description": formats}
    return [*found, wanted]


def _operation(operation: ContractOperation) -> JsonSchema:
    described: JsonSchema = {
        "operationId": operation.name,
        "summary": operation.name.replace("_", " ").capitalize(),
        "description": f"Scope: `{operation.scope}`.",
        "tags": [operation.scope.partition(":")[0]],
        "parameters": _parameters(operation),
        "responses": _answers(operation),
    }
    if operation.request is not None:
        required = any(field.required for field in operation.request.fields)
        described["requestBody"] = {
            "required": required,
            "content": {JSON: {"schema": reference(operation.request.name)}},
        }
    return described


def magic_table() -> str:
    """The magic values as a Markdown table; docs/sandbox.md repeats it and a test holds them equal."""
    rows = [f"| `{m.name}` | `{m.amount}` | {m.acts_on} | {m.effect} |" for m in MAGIC]
    return "\n".join([f"| metadata `{METADATA_KEY}` | amount | acts on | effect |", "| --- | --- | --- | --- |", *rows])


def _schemas(operations: Iterable[ContractOperation]) -> JsonSchema:
    bodies = {o.request.name: body_schema(o.request) for o in operations if o.request}
    answers = {o.response.name: o.response.schema for o in operations if o.response}
    return {**bodies, **answers, "Event": EVENT, **ERRORS}


_DESCRIPTION = """An offline Molam: stateful, with signed webhooks, faults on demand and a clock that can be moved.

Magic values, by metadata entry or by amount in major units of any currency:

"""


def document(operations: Iterable[ContractOperation]) -> JsonSchema:
    """The whole document."""
    operations = tuple(operations)
    paths: dict[str, JsonSchema] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    received = {"description": "Any 2xx ends the delivery."}
    event = {"required": True, "content": {JSON: {"schema": reference("Event")}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Molam Connect (sandbox)", "version": "1", "description": _DESCRIPTION + magic_table()},
        "paths": paths,
        "webhooks": {
            name: {"post": {"operationId": f"on_{name}", "requestBody": event, "responses": {"200": received}}}
            for name in EVENT_TYPES
        },
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "sk_test_…"}},
        },
        "security": [{"key": []}],
    }
