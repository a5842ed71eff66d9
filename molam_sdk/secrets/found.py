"""What merchants give where a secret is wanted, and what of it is a secret."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from ..exceptions import ConfigurationError

Secret: TypeAlias = str | bytes
"""A secret exactly as Molam gave it, the ``whsec_`` prefix of a webhook's included."""

Secrets: TypeAlias = Secret | Iterable[Secret] | None
"""What a source knows of one kid: a secret, several (while one replaces another), or None."""

SecretSource: TypeAlias = Secret | Mapping[str, Any] | Callable[[str], Any]
"""One secret for every kid, a mapping from kid to secrets, or a callable that is given the kid."""

_EMPTY: Final = frozenset({b"", b"whsec_", b"none", b"null", b"undefined"})
"""What stands where a secret was forgotten: anybody could sign with it."""
_LONGEST_EMPTY: Final = max(map(len, _EMPTY))


def secrets_of(source: SecretSource, kid: str) -> tuple[bytes, ...]:
    """The usable secrets of a kid as bytes, none if there are none; what the source raises passes through.

    What stands for a forgotten secret counts as none: an unset variable must not become a key that anybody can sign
    with. ``ConfigurationError`` where the source answers with what is no secret.
    """
    if isinstance(source, dict):  # what most give: to ask whether it is a Mapping costs more than the look-up
        found: Any = source.get(kid)
    elif isinstance(source, str | bytes):
        found = source
    elif isinstance(source, Mapping):
        found = source.get(kid)
    else:
        found = source(kid)
    if found.__class__ is str:
        return _usable(_encoded(found))
    if found.__class__ is tuple and not found:
        return ()
    return tuple(key for secret in _each(found) for key in _usable(_as_bytes(secret)))


def _usable(key: bytes) -> tuple[bytes, ...]:
    bare = key.strip()
    return () if len(bare) <= _LONGEST_EMPTY and bare.lower() in _EMPTY else (key,)


def _each(found: Any) -> Iterable[Any]:
    if found is None:
        return ()
    if inspect.isawaitable(found) or inspect.isasyncgen(found):
        if inspect.iscoroutine(found):
            found.close()
        raise ConfigurationError("the callable that finds secrets must not be async")
    if isinstance(found, str | bytes | bytearray | memoryview):
        return (found,)
    if isinstance(found, Mapping) or not isinstance(found, Iterable):
        raise no_secret(found)
    return found


def _encoded(text: str) -> bytes:
    try:
        return text.encode(errors="surrogateescape")  # as the bytes of an environment variable came
    except UnicodeEncodeError:
        pass  # its error would hold the secret
    raise no_secret("text that is no Unicode")


def _as_bytes(secret: Any) -> bytes:
    if isinstance(secret, str):
        return _encoded(secret)
    if isinstance(secret, bytes | bytearray | memoryview):
        return bytes(secret)
    raise no_secret(secret)


def no_secret(found: object) -> ConfigurationError:
    """What is said of an answer that can be none."""
    kind = type(found).__name__
    return ConfigurationError(f"a source of secrets answered with a {kind}: it must be str, bytes, several, or None")
