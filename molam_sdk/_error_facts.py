"""What an error knows, as a mapping that any process can read: written, and checked when it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ._json_safe import decode, encode

VERSION: Final = 1


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)


FIELDS: Final[dict[str, Callable[[object], bool]]] = {
    "message": _is_text,
    "outcome": lambda value: value in ("not_sent", "rejected", "unknown", "accepted"),
    "operation": _is_text_or_none,
    "idempotency_key": _is_text_or_none,
    "request_id": _is_text_or_none,
    "attempts": _is_count,
    "elapsed": _is_number,
    "retry_after": _is_number_or_none,
    "occurred_at": _is_number,
    "first_used_at": _is_number_or_none,
    "account": _is_text_or_none,
    "base_url": _is_text_or_none,
    "status_code": lambda value: value is None or _is_count(value),
    "code": _is_text_or_none,
    "param": _is_text_or_none,
    "body": lambda value: value is None or isinstance(value, bytes | str | Mapping),
}
_REQUIRED: Final = ("message", "outcome", "occurred_at")
_REQUEST_FIELDS: Final[dict[str, Callable[[object], bool]]] = {
    "operation": _is_text,
    "method": _is_text,
    "path": _is_text,
    "body": lambda value: value is None or isinstance(value, bytes),
    "idempotency_key": _is_text_or_none,
}


def write(error: object) -> dict[str, object]:
    """The fields that the error has, plain JSON."""
    return {name: encode(getattr(error, name)) for name in FIELDS if hasattr(error, name)}


def write_request(request: object) -> dict[str, object] | None:
    """The request that an error tells of, plain JSON."""
    return None if request is None else {name: encode(getattr(request, name)) for name in _REQUEST_FIELDS}


def check_version(facts: object) -> Mapping[str, object]:
    """The mapping; ``ValueError`` where it is none of ours, or of a version that this SDK cannot read."""
    if not isinstance(facts, Mapping):
        raise ValueError("no mapping")
    version = facts.get("v")
    if not _is_count(version):
        raise ValueError("it has no version")
    if version != VERSION:
        raise ValueError(f"a newer SDK wrote it: version {version}, this one reads {VERSION}")
    return facts


def read(facts: Mapping[str, object]) -> dict[str, object]:
    """The fields of an error; ``ValueError`` names the first that is wrong or lacking."""
    found = _read(facts, FIELDS)
    for name in _REQUIRED:
        if name not in found:
            raise ValueError(f"{name} is lacking")
    return found


def read_request(facts: Mapping[str, object]) -> dict[str, object] | None:
    """The fields of the request, None where there was none; ``ValueError`` where it cannot be asked again."""
    request = facts.get("request")
    if request is None:
        return None
    if not isinstance(request, Mapping):
        raise ValueError("request cannot be read")
    found = _read(request, _REQUEST_FIELDS)
    if found.keys() != _REQUEST_FIELDS.keys():
        raise ValueError("request is not whole")
    return found


def texts(facts: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A list of texts, empty where it is lacking; ``ValueError`` where it is something else."""
    items = facts.get(name, ())
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"{name} cannot be read")
    return tuple(items)


def causes_of(error: BaseException) -> Iterator[str]:
    """Class and text of each error that this one came of, the nearest first, as a traceback would name them."""
    seen = {id(error)}
    link = _cause_of(error)
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield f"{type(link).__name__}: {link}"
        link = _cause_of(link)


def _cause_of(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _read(facts: Mapping[str, object], fields: Mapping[str, Callable[[object], bool]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in fields.keys() & facts.keys():
        found[name] = decode(facts[name])
        if not fields[name](found[name]):
            raise ValueError(f"{name} cannot be read")
    return found
