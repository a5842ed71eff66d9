"""Takes secrets out of data of any shape, and says where it was too much to look through."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections import deque
from collections.abc import Collection, ItemsView, KeysView, Mapping, Sequence, ValuesView
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from .._error_facts import causes_of
from .._interruption import raised_from_outside
from .cards import ascii_digits, is_card_number, truncate
from .names import REDACTED, Name, read_name
from .text import redact_text

if TYPE_CHECKING:
    from pydantic import BaseModel

_NUMBERS: Final = (int, float)
_SMALLEST_CARD_NUMBER: Final = 10**11
_LONGEST_INTEGER: Final = 10**40
_DEEPEST: Final = 12
_MOST_VALUES: Final = 10_000  # some ten milliseconds
_CHARACTERS_A_VALUE: Final = 256
_TOO_DEEP: Final = f"… (deeper than {_DEEPEST} levels)"
_TOO_MANY: Final = f"… (more than {_MOST_VALUES} values)"
_OF_NAMES: Final = ("name", "key", "header", "field")
_NAMELESS: Final = Name("", secret=False, kept=False, of_trace=False)

# The same few names come with every line. Only names that hold no secret are remembered.
_known_names: dict[Any, tuple[str, Name]] = {}
_MOST_KNOWN: Final = 1024
_LONGEST_KNOWN: Final = 64


def sanitize_sensitive_data(data: Any) -> Any:
    """A copy of ``data`` without secrets, made of dicts, lists, texts and numbers only; ``data`` is not changed.

    A value under a name such as ``password`` or ``cvc`` goes as a whole; every text and number is searched for keys,
    tokens and card numbers. Mappings, sequences, models, dataclasses, named tuples and exceptions are walked, 12 levels
    deep and 10,000 values far: what was left out is said in its place. Under the names of ids, which support needs to
    find a payment again, a card number keeps its first six and last four digits. Never raises.
    """
    return _Walk().value(data, _NAMELESS, 0)


class _Walk:
    """One walk, and how many values it may still look at: data that is shared many times over must not multiply."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def value(self, value: Any, name: Name, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(value, name)
        if kind is not dict:
            if value is None or kind is bool:
                return value
            if kind is int or kind is float or isinstance(value, _NUMBERS):
                return value if -_SMALLEST_CARD_NUMBER < value < _SMALLEST_CARD_NUMBER else _large(value, name)
        try:
            parts: Any = value if kind is dict else _parts(value)
            if parts is None:
                return self._text(as_text(value), name)
            if depth >= _DEEPEST:
                return _TOO_DEEP
            if kind is dict or isinstance(parts, Mapping):
                return self._items(parts, depth + 1)
            return self._list(parts, name, depth + 1)
        except Exception as problem:
            if raised_from_outside(problem):
                raise
            return _cannot_be_shown(value, problem)

    def _items(self, items: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        clean: dict[str, Any] = {}
        taken = self._take(len(items))
        for key, item in items.items() if taken == len(items) else islice(items.items(), taken):
            shown, name = _known_names.get(key) or _read_key(key)
            kind = type(item)
            if name.secret:
                clean[shown] = None if item is None else REDACTED
            elif kind is str:
                text = redact_text(item) if len(item) < _CHARACTERS_A_VALUE else self._text(item, _NAMELESS)
                clean[shown] = text if text is item or not name.kept else _of_id(item, text, name)
            elif (kind is int or kind is float) and -_SMALLEST_CARD_NUMBER < item < _SMALLEST_CARD_NUMBER:
                clean[shown] = item
            else:
                clean[shown] = self.value(item, name, depth)
        if taken < len(items):
            clean["…"] = _TOO_MANY
        if "value" in clean and clean["value"] is not None and _names_a_secret(clean):
            clean["value"] = REDACTED
        return clean

    def _list(self, items: Collection[Any], name: Name, depth: int) -> list[Any]:
        if _is_pair(items):
            return [self.value(items[0], name, depth), REDACTED]
        clean: list[Any] = []
        taken = self._take(len(items))
        secret = False  # what follows "--password"
        for item in islice(items, taken):
            clean.append(REDACTED if secret else self.value(item, name, depth))
            secret = type(item) is str and item.startswith("-") and "=" not in item and read_name(item).secret
        return clean if taken == len(items) else [*clean, _TOO_MANY]

    def _take(self, wanted: int) -> int:
        """How many of so many values may be looked at."""
        taken = wanted if wanted <= self._left else max(self._left, 0)
        self._left -= taken
        return taken

    def _text(self, text: str, name: Name) -> str:
        if len(text) >= _CHARACTERS_A_VALUE:
            if self._left <= 0:
                return _TOO_MANY
            self._left -= len(text) // _CHARACTERS_A_VALUE
        clean = redact_text(text)
        return clean if clean is text or not name.kept else _of_id(text, clean, name)


def _of_id(text: str, clean: str, name: Name) -> str:
    """An id that looks like a card number."""
    if name.of_trace and text.isdecimal() and _is_random(len(text)):
        return text
    digits = ascii_digits(text)
    return truncate(digits) if clean == REDACTED and is_card_number(digits) else clean


def _parts(value: Any) -> Mapping[Any, Any] | Collection[Any] | None:
    """What is inside of a value, None if it is to be shown as a text."""
    if isinstance(value, Mapping):
        return value
    if _is_model(value):
        return value.__dict__ | (value.__pydantic_extra__ or {})
    names: object = getattr(value, "_fields", None) if isinstance(value, tuple) else None
    if isinstance(names, tuple):
        return dict(zip(names, value, strict=False))
    if isinstance(value, list | tuple | set | frozenset | deque | KeysView | ValuesView | ItemsView):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value) if field.repr}
    return None


def _is_model(value: object) -> TypeGuard[BaseModel]:
    # Where pydantic is not loaded, nothing is a model: it is left to the models to load it.
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(value, pydantic.BaseModel)


def _names_a_secret(clean: Mapping[str, Any]) -> bool:
    """``{"name": "cookie", "value": "…"}``, as some lists of header fields and variables have it."""
    named = (clean.get(key) for key in _OF_NAMES)
    return any(isinstance(name, str) and read_name(name).secret for name in named)


def _is_pair(items: Collection[Any]) -> TypeGuard[Sequence[Any]]:
    """``("cookie", "…")``, as header fields come; a list of two texts is one only in bytes, as ASGI has it."""
    if len(items) != 2 or not isinstance(items, tuple | list):
        return False
    first = items[0]
    return isinstance(first, str | bytes if isinstance(items, tuple) else bytes) and read_name(as_text(first)).secret


def _read_key(key: Any) -> tuple[str, Name]:
    """A key as it may be shown, and what it says."""
    text = as_text(key)
    shown, name = redact_text(text), read_name(text)
    if type(key) is str and shown == key and len(key) <= _LONGEST_KNOWN and len(_known_names) < _MOST_KNOWN:
        _known_names[key] = shown, name
    return shown, name


def _large(value: float, name: Name) -> Any:
    if not -_LONGEST_INTEGER < value < _LONGEST_INTEGER:  # str() of an integer takes quadratic time, or refuses
        return f"<an integer of {value.bit_length()} bits>" if isinstance(value, int) else _of_float(value)
    digits = str(abs(int(value)))
    if not is_card_number(digits) or (name.of_trace and _is_random(len(digits))):
        return value
    return truncate(digits) if name.kept else REDACTED


def _of_float(value: float) -> float | str:
    return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")


def _is_random(length: int) -> bool:
    """Whether it may be an id of 64 bits, as Datadog's are."""
    return 17 <= length <= 20


def as_text(value: Any) -> str:
    """Any value as a text; never raises."""
    try:
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value).decode("utf-8", "replace")
        if isinstance(value, BaseException):
            return "; ".join(
                [f"{type(value).__name__}: {value}", *_notes(value), *map("from {}".format, causes_of(value))]
            )
        if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < 40:
            return f"{value:f}"
        return str(value)
    except Exception as problem:
        if raised_from_outside(problem):
            raise
        return _cannot_be_shown(value, problem)


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", ())
    return [str(note) for note in notes] if isinstance(notes, list | tuple) else []


def _cannot_be_shown(value: object, problem: Exception) -> str:
    return f"<{type(value).__name__} that cannot be shown: {type(problem).__name__}>"
