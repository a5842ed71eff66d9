"""What the object of an entry is known by for certain: its id, or the tag that a client put into its metadata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from json.decoder import JSONDecoder
from typing import Any, Final
from urllib.parse import unquote

from .._core.operations import BY_NAME

TAG: Final = "molam_entry"
"""The name in an object's metadata under which its tag stands."""
TAGGED: Final = frozenset({"create_payment_intent", "create_refund", "create_payout", "create_merchant_onboarding"})
"""The operations whose objects carry metadata."""
_BLANKS: Final = " \t\r\n"


def object_in(operation: str, path: str) -> str | None:
    """The id that an operation's path names; None where it has none."""
    before, mark, after = BY_NAME[operation].path.partition("{}") if operation in BY_NAME else ("", "", "")
    if not mark or not (path.startswith(before) and path.endswith(after)):
        return None
    return unquote(path[len(before) : len(path) - len(after)]) or None


def tag_of(operation: str, key: str, body: bytes) -> str:
    """The tag of a request: it is the same for the same bytes under the same idempotency key, and for nothing else."""
    whole = "\n".join((operation, key, hashlib.sha256(body).hexdigest()))
    return hashlib.sha256(whole.encode()).hexdigest()[:40]


def with_tag(operation: str, key: str, body: bytes | None) -> bytes | None:
    """The body of a request whose object is to carry its tag; as it is where that is so already, or cannot be."""
    if body is None or operation not in TAGGED or tag_in_body(body) is not None:
        return body
    tag = json.dumps({TAG: tag_of(operation, key, body)}, separators=(",", ":"))
    text = body.decode()
    start, end = _metadata_in(text)
    if start is None:
        inside = text.rstrip(_BLANKS)[1:-1]
        return f'{{{inside}{"," if inside.strip() else ""}"metadata":{tag}}}'.encode()
    held = text[start + 1 : end - 1]
    return f"{text[:start]}{{{held}{',' if held.strip() else ''}{tag[1:]}{text[end:]}".encode()


def tag_in_body(body: bytes | None) -> str | None:
    """The tag in a request's body."""
    if body is None or TAG.encode() not in body:
        return None
    return tag_in(facts_in(body))


def tag_in(data: Mapping[str, Any]) -> str | None:
    """The tag of an object."""
    metadata = data.get("metadata")
    tag = metadata.get(TAG) if isinstance(metadata, Mapping) else None
    return tag if isinstance(tag, str) and tag else None


def id_in(body: bytes) -> str | None:
    """The id of the object in an answer."""
    found = facts_in(body).get("id")
    return found if isinstance(found, str) and found else None


def facts_in(body: bytes) -> Mapping[str, Any]:
    """A JSON object in a body; empty where there is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _metadata_in(text: str) -> tuple[int | None, int]:
    """Where the value of a body's own ``metadata`` begins and ends: numbers before and after it keep their digits."""
    decode, at = JSONDecoder().raw_decode, _after_blanks(text, 1)
    while text[at : at + 1] == '"':
        name, at = decode(text, at)
        start = _after_blanks(text, _after_blanks(text, at) + 1)
        value, at = decode(text, start)
        if name == "metadata" and isinstance(value, dict):
            return start, at
        at = _after_blanks(text, _after_blanks(text, at) + 1)
    return None, 0


def _after_blanks(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _BLANKS:
        at += 1
    return at
