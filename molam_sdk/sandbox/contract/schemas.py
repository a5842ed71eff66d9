"""The JSON schemas of answers and errors, and the words to write further ones with."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..domain.events import EVENT_TYPES
from .bodies import Field, RequestBody

JsonSchema = dict[str, Any]

TEXT: JsonSchema = {"type": "string"}
MOMENT: JsonSchema = {"type": "string", "format": "date-time"}
METADATA: JsonSchema = {"type": "object"}


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """The schema of an object in an answer, under the name it has in the OpenAPI document."""

    name: str
    schema: JsonSchema


def id_of(prefix: str) -> JsonSchema:
    """An id such as new_id makes."""
    return {"type": "string", "pattern": f"^{prefix}_[0-9a-f]{{24}}$"}


def words(*choices: str) -> JsonSchema:
    """One of these words."""
    return {"type": "string", "enum": list(choices)}


def closed_object(optional: JsonSchema, **required: JsonSchema) -> JsonSchema:
    """An object of these properties and no others."""
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def repeated(fields: Iterable[Field]) -> JsonSchema:
    """The properties of fields that an answer repeats from its request."""
    return {field.name: dict(field.kind.schema) for field in fields}


def reference(name: str) -> JsonSchema:
    """A pointer to a named schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(name: str, paged: bool = True) -> JsonSchema:
    """The schema of a list of these objects."""
    items = {"type": "array", "items": reference(name)}
    return closed_object({}, data=items, **({"has_more": {"type": "boolean"}} if paged else {}))


def body_schema(body: RequestBody) -> JsonSchema:
    """The schema of a request body; an optional field may be null, which counts as left out."""
    optional = {f.name: {"anyOf": [dict(f.kind.schema), {"type": "null"}]} for f in body.fields if not f.required}
    return closed_object(optional, **repeated(f for f in body.fields if f.required))


EVENT = closed_object(
    {},
    id=id_of("evt"),
    type=words(*EVENT_TYPES),
    created={"type": "integer", "description": "Unix seconds."},
    data={"type": "object", "description": "The object as it stood then."},
    livemode={"type": "boolean", "const": False},
)
ERRORS: dict[str, JsonSchema] = {
    "Error": closed_object({}, error=closed_object({"param": TEXT}, code=TEXT, message=TEXT, type=TEXT)),
    "FlatError": closed_object({}, error=TEXT, message=TEXT),
    "DetailError": closed_object({}, error=TEXT, detail=TEXT),
    "LegacyError": closed_object({"details": {"type": "object"}}, error_code=TEXT, message=TEXT, request_id=TEXT),
    "Problem": closed_object(
        {"param": TEXT},
        type={"type": "string", "format": "uri"},
        title=TEXT,
        status={"type": "integer"},
        detail=TEXT,
        code=TEXT,
        request_id=TEXT,
    ),
}
