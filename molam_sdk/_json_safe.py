"""Any value as plain JSON and back: what JSON has no word for is tagged, so that an error can travel as JSON."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

TAG: Final = "$"
_VALUE: Final = "value"
_DEEPEST: Final = 50  # parsers of JSON and this module call themselves once or twice a level


def encode(value: object, depth: int = 0) -> object:
    """The value as ``json.dumps(…, allow_nan=False)`` takes it.

    ``bytes``, ``Decimal``, ``nan`` and tuples are tagged; of a type that is not known here only the text is kept.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if depth >= _DEEPEST and isinstance(value, Mapping | list | tuple):
        return _tagged("json", _as_text(value))
    if isinstance(value, Mapping):
        return _encode_mapping(value, depth)
    if isinstance(value, list | tuple):
        items = [encode(item, depth + 1) for item in value]
        return items if isinstance(value, list) else _tagged("tuple", items)
    return _encode_scalar(value)


def decode(value: object) -> object:
    """What ``encode`` was given; ``ValueError`` for what it never made. Nothing named in it is imported or run."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if TAG not in value:
        return {name: decode(item) for name, item in value.items()}
    read = _READERS.get(str(value[TAG]))
    if read is None or value.keys() != {TAG, _VALUE}:
        raise ValueError(f"no such tag: {value[TAG]!r}")
    try:
        return read(value[_VALUE])
    except (TypeError, ArithmeticError, AttributeError) as problem:
        raise ValueError(f"a {value[TAG]} that cannot be read") from problem


def _encode_mapping(value: Mapping[object, object], depth: int) -> object:
    """Pairs where a name could be taken for a tag, of this module or (``__type__``) of a library that carries it."""
    if all(isinstance(name, str) and not name.startswith((TAG, "__")) for name in value):
        return {name: encode(item, depth + 1) for name, item in value.items()}
    return _tagged("mapping", [[encode(name, depth + 1), encode(item, depth + 1)] for name, item in value.items()])


def _encode_scalar(value: object) -> object:
    if isinstance(value, bytes | bytearray | memoryview):
        return _tagged("bytes", base64.b64encode(value).decode())
    if isinstance(value, Decimal):
        return _tagged("decimal", str(value))
    if isinstance(value, float):
        return _tagged("float", repr(value))
    return _tagged("text", str(value))


def _tagged(tag: str, value: object) -> dict[str, object]:
    return {TAG: tag, _VALUE: value}


def _as_text(value: object) -> str:
    try:
        return json.dumps(value, default=str)
    except (RecursionError, ValueError, TypeError):
        return json.dumps("nested too deeply")


def _read_pairs(pairs: object) -> dict[object, object]:
    if not isinstance(pairs, list):
        raise TypeError
    return {decode(name): decode(item) for name, item in pairs}


def _read_tuple(items: object) -> tuple[object, ...]:
    if not isinstance(items, list):
        raise TypeError
    return tuple(decode(item) for item in items)


def _text_of(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


_READERS: Final[dict[str, Callable[[object], object]]] = {
    "bytes": lambda value: base64.b64decode(_text_of(value), validate=True),
    "decimal": lambda value: Decimal(_text_of(value)),
    "float": lambda value: float(_text_of(value)),
    "json": lambda value: json.loads(_text_of(value)),
    "mapping": _read_pairs,
    "text": _text_of,
    "tuple": _read_tuple,
}
