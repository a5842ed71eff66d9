"""The names of secrets: where a kid stands in them, and which field of a secret is meant."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ..exceptions import ConfigurationError
from .found import Secret, no_secret, secrets_of

KID: Final = re.compile(r"(?!\.+$)[A-Za-z0-9_.\-]{1,64}")
"""A key id that may stand in a name: never one that leads to another folder."""

_HERE: Final = "{kid}"


def filled(template: str, kid: str) -> str | None:
    """A name with the kid where it says ``{kid}``; None for a kid that cannot stand in a name."""
    if _HERE not in template:
        return template
    return template.replace(_HERE, kid) if KID.fullmatch(kid) else None


def names_kid(*templates: str | None) -> bool:
    """Whether a name is another one for each kid."""
    return any(_HERE in template for template in templates if template)


def checked_name(what: str, template: object) -> str:
    """Refuse what can be no name; ``ConfigurationError`` says which one."""
    if not isinstance(template, str) or not template.strip() or not template.isprintable():
        raise ConfigurationError(
            f"{what} must be a name in printable characters, with {_HERE} where the key id belongs"
        )
    return template


def several(text: str) -> tuple[str, ...]:
    """The secrets of a text: one a line, or with commas between."""
    return tuple(secret for secret in map(str.strip, re.split(r"[,\r\n]", text)) if secret)


def field_of(text: str, field: str) -> object:
    """The field of a secret that is a JSON object; None where it has none, or is none."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None  # not raised from here: the error would hold the text
    return fields.get(field) if isinstance(fields, Mapping) else None


def picked(stored: Any, field: str | None, kid: str) -> tuple[Secret, ...]:
    """The secrets in a stored one: the whole of it, or what stands in a field (of a JSON object, or a mapping)."""
    found = stored
    if field is not None and stored is not None:
        name = filled(field, kid)
        if name is None:
            return ()
        found = stored.get(name) if isinstance(stored, Mapping) else field_of(_text(stored), name)
    if found is None:
        return ()
    if isinstance(found, str | bytes):
        return several(_text(found))
    if isinstance(found, list):
        return secrets_of({kid: found}, kid)
    raise no_secret(found)


def _text(secret: str | bytes) -> str:
    """A stored secret as text; nothing where it is none, since the error of decoding would hold it."""
    try:
        return secret if isinstance(secret, str) else secret.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""
