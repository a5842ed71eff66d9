"""``MOLAM_…`` variables as the settings of a client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .exceptions import ConfigurationError

PREFIX: Final = "MOLAM_"
_OF_OTHERS: Final = (
    r"MOLAM_(?:API_KEY_FILE|STORE|WEBHOOK_SECRET_.+|SANDBOX_.+|TEST_.+"
    r"|.*SERVICE_(?:HOST|PORT)(?:_.+)?|.*PORT(?:_[0-9]+_(?:TCP|UDP)(?:_.+)?)?)"  # Kubernetes' of a Service named molam
)
_BOOLEANS: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
# An argument that says where calls go makes these variables void, which would say it otherwise.
_VOID: Final[Mapping[str, tuple[str, ...]]] = {
    "base_url": ("environment", "region"),
    "environment": ("base_url", "region"),
    "region": ("base_url",),
}


def settings_of(
    environ: Mapping[str, str], defaults: Mapping[str, object], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """The value of each field whose variable is set, then the arguments, which win. ``ConfigurationError`` names a
    variable that cannot be read, and never repeats it."""
    values: dict[str, Any] = {}
    for name, default in defaults.items():
        text = environ.get(PREFIX + name.upper(), "").strip()
        if text and name not in arguments:
            values[name] = _parse(PREFIX + name.upper(), text, default)
    for name in arguments.keys() & _VOID.keys():
        for void in _VOID[name] if arguments[name] is not None else ():
            values.pop(void, None)
    return values | dict(arguments)


def unknown_variables(environ: Mapping[str, str], fields: Mapping[str, object]) -> list[str]:
    """The ``MOLAM_…`` variables that nothing reads, each with the name that was perhaps meant."""
    known = [PREFIX + name.upper() for name in fields]
    strange = (name for name in environ if name.startswith(PREFIX) and name not in known)
    return [_with_nearest(name, known) for name in sorted(strange) if not re.fullmatch(_OF_OTHERS, name)]


def _with_nearest(name: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known], n=1)
    return f"{name} (did you mean {PREFIX}{near[0]}?)" if near else name


def _parse(variable: str, text: str, default: object) -> object:
    if isinstance(default, Mapping):
        return _limits(variable, text)
    if isinstance(default, bool):
        if text.lower() not in _BOOLEANS:
            raise ConfigurationError(f"{variable} must be one of {', '.join(_BOOLEANS)}")
        return _BOOLEANS[text.lower()]
    if isinstance(default, int | float):
        try:
            return type(default)(text)
        except ValueError:
            kind = "whole number" if isinstance(default, int) else "number"
        raise ConfigurationError(f"{variable} must be a {kind}")
    return text


def _limits(variable: str, text: str) -> dict[str, int]:
    """``payouts=8, refunds=4``."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(limit.strip().isascii() and limit.strip().isdigit() and len(limit) < 16 for _, _, limit in pairs):
        raise ConfigurationError(f"{variable} must name groups and limits, such as payouts=8,refunds=4")
    return {group.strip(): int(limit) for group, _, limit in pairs}
