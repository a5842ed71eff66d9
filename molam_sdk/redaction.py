"""Finds secrets and card numbers, wherever they hide, and takes them out before anything is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from pydantic import BaseModel

REDACTED: Final = "***REDACTED***"

_SECRET_NAMES: Final = frozenset(
    "authorization proxyauthorization apikey xapikey password passwd secret clientsecret webhooksecret token "
    "accesstoken refreshtoken idtoken sessiontoken privatekey mtlskey pan cardnumber cvv cvv2 cvc cvc2 cvn pin otp "
    "cookie setcookie securitycode".split()
)
# What support needs to find a payment again; a numeric key may look like a card number and is none.
_KEPT_NAMES: Final = frozenset("idempotencykey requestid eventid deliveryid paymentid id traceid spanid ts".split())

_SUSPECT: Final = re.compile(
    r"sk_|jwt_|whsec_|[0-9](?:[ -]?[0-9]){11}|(?i:bearer|basic |cvv|cvc|pin|otp|password|api_?key|secret|token)"
)
_SHORTEST_SUSPECT: Final = len("pin=1")
_SMALLEST_CARD_NUMBER: Final = 10**11
_HARMLESS: Final = frozenset({type(None), bool, float})
_DEEPEST: Final = 12
_LONGEST_KNOWN_NAME: Final = 64


@cache
def _secrets() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Tokens, values assigned to a secret's name, digits like a card's: compiled at the first text that is suspect."""
    return (
        re.compile(r"\b(?:sk_|jwt_|whsec_)[A-Za-z0-9_.\-+/=]{3,}|(?i:\b(bearer|basic)\s+)[A-Za-z0-9_.\-+/=~]{6,}"),
        re.compile(
            r"""(?i)(["']?\b(?:cvv2?|cvc2?|pin|otp|password|api_?key|secret|client_secret|access_token)["']?\s*[:=]\s*["']?)"""
            r"""([^\s"',;&}]+)"""
        ),
        re.compile(r"(?<![0-9A-Za-z.])[0-9](?:[ -]?[0-9]){11,18}(?![0-9A-Za-z])"),
    )


def redact_text(text: str) -> str:
    """The text without keys, bearer tokens, secrets that are assigned in it, and card numbers (by Luhn)."""
    if len(text) < _SHORTEST_SUSPECT or _SUSPECT.search(text) is None:
        return text
    tokens, assigned, card_like = _secrets()
    text = tokens.sub(lambda found: f"{found[1]} {REDACTED}" if found[1] else REDACTED, text)
    text = assigned.sub(lambda found: found[0] if found[2].startswith("***") else found[1] + REDACTED, text)
    return card_like.sub(lambda found: REDACTED if _is_card_number(found[0]) else found[0], text)


@dataclass(frozen=True, slots=True)
class _Name:
    """A field's name as it may be shown, and what it says about its value."""

    shown: str
    secret: bool
    kept: bool


def sanitize_sensitive_data(data: Any) -> Any:
    """A copy of ``data`` without secrets: walks dicts, lists, tuples, sets, models and exceptions.

    A value under a name such as ``password`` or ``cvc`` goes as a whole; every text is searched for keys,
    tokens and card numbers. Idempotency keys and request ids stay: support needs them. ``data`` is not changed.
    """
    return _walk(data, _NAMELESS, 0)


def _walk(value: Any, name: _Name, depth: int) -> Any:
    if type(value) in _HARMLESS or isinstance(value, float):
        return value
    if isinstance(value, str):
        return value if name.kept else redact_text(value)
    if isinstance(value, int):
        card_like = abs(value) >= _SMALLEST_CARD_NUMBER and not name.kept
        return REDACTED if card_like and _is_card_number(str(value)) else value
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return _walk_items(value, depth + 1)
    if isinstance(value, list | tuple | set | frozenset):
        return [_walk(item, name, depth + 1) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return redact_text(bytes(value).decode("utf-8", "replace"))
    return redact_text(_text_of(value))


def _walk_items(items: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    for key, item in items.items():
        known = type(key) is str and len(key) <= _LONGEST_KNOWN_NAME  # what is longer would only fill the memory
        name = _known_name(key) if known else _read_name(str(key))
        if name.secret:
            clean[name.shown] = REDACTED if item is not None else None
        elif type(item) in _HARMLESS or (name.kept and type(item) is str):
            clean[name.shown] = item
        else:
            clean[name.shown] = _walk(item, name, depth)
    return clean


def _read_name(text: str) -> _Name:
    plain = text.lower().replace("_", "").replace("-", "").replace(" ", "")
    secret = plain in _SECRET_NAMES or plain.endswith(("secret", "password", "token", "apikey", "privatekey"))
    return _Name(redact_text(text), secret, plain in _KEPT_NAMES)


_known_name = lru_cache(maxsize=512)(_read_name)  # the same few names come with every line
_NAMELESS: Final = _Name("", secret=False, kept=False)


def _text_of(value: Any) -> str:
    try:
        return str(value)
    except Exception as problem:  # noqa: BLE001 - an object's own __str__ may raise anything
        return f"<{type(value).__name__} that cannot be shown: {type(problem).__name__}>"


def _is_card_number(text: str) -> bool:
    """12 to 19 digits with a right Luhn check digit (ISO/IEC 7812-1), not one digit repeated."""
    digits = [ord(c) - 48 for c in text if "0" <= c <= "9"]
    if not 12 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
