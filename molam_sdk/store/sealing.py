"""Bodies, answers and notes of a journal, encrypted where they stand."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from typing import Any, Final, cast

from ..config import Cipher, JournalKey
from ..exceptions import ConfigurationError

VARIABLE: Final = "MOLAM_JOURNAL_KEY"
SEALED: Final = "sealed"
"""What stands in place of a sealed body's hash: one could be guessed from it."""
_MARK: Final = b"\0molam-sealed-1\0"
_TEXT_MARK: Final = "sealed-1:"
_PLACE_BYTES: Final = 16
_ASK_SECONDS: Final = 60.0
_MAKE_ONE: Final = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


class SealError(Exception):
    """What is sealed cannot be opened: the key is missing, or another one."""


class Seal:
    """Closes and opens what stands in a row; each value belongs to its key and column, and opens in no other place."""

    def __init__(self, key: JournalKey) -> None:
        self._key = key
        self._cipher: Cipher | None = None if _is_asked(key) else _cipher_of(key)
        self._asked_at = 0.0

    def ask_anew(self) -> None:
        """Have a callable say its keys again; what it said before stays good where it fails."""
        if _is_asked(self._key):
            self._asked_at = time.monotonic()
            before, self._cipher = self._cipher, None
            try:
                self._ready()
            except Exception:
                self._cipher = before
                if before is None:
                    raise

    def close(self, idempotency_key: str, column: str, data: bytes) -> bytes:
        """The data, sealed. ``ConfigurationError`` where the callable gives no key."""
        if self._cipher is not None and time.monotonic() - self._asked_at > _ASK_SECONDS:
            self.ask_anew()
        return _MARK + self._ready().encrypt(_place(idempotency_key, column) + data)

    def open(self, idempotency_key: str, column: str, sealed: bytes) -> bytes:
        """The data again, by any of the keys. A callable is asked once more for a key that it has learnt since."""
        token = sealed.removeprefix(_MARK)
        try:
            data = self._opened(token)
        except SealError:
            if not _is_asked(self._key):
                raise
            self._cipher = None
            data = self._opened(token)
        if data[:_PLACE_BYTES] != _place(idempotency_key, column):
            raise SealError(f"the {column} under {idempotency_key!r} was sealed for another place: somebody moved it")
        return data[_PLACE_BYTES:]

    def _opened(self, token: bytes) -> bytes:
        try:
            return self._ready().decrypt(token)
        except ConfigurationError:
            raise
        except Exception as problem:
            raise SealError(f"none of the keys opens it ({type(problem).__name__}): {VARIABLE}") from problem

    def _ready(self) -> Cipher:
        if self._cipher is None:
            self._asked_at = time.monotonic()
            self._cipher = _cipher_of(cast("Callable[[], Any]", self._key)())
        return self._cipher


def seal_of(key: JournalKey | None) -> Seal | None:
    """The seal of these keys; None for none. ``ConfigurationError`` for what is no key."""
    return None if key is None or key == "" else Seal(key)


def closed(seal: Seal | None, key: str, column: str, data: bytes | None) -> bytes | None:
    """The data as it stands in its column: sealed where there is a seal."""
    return data if seal is None or data is None else seal.close(key, column, data)


def opened(seal: Seal | None, key: str, column: str, data: bytes | None) -> bytes | None:
    """The data of a column, sealed or not. ``SealError`` where it cannot be opened."""
    if data is None or not data.startswith(_MARK):
        return data
    try:
        if seal is None:
            raise SealError(f"it is encrypted, and no key is set: {VARIABLE}")
        return seal.open(key, column, data)
    except SealError as problem:
        raise SealError(f"the {column} under {key!r} cannot be read: {problem}") from problem


def closed_text(seal: Seal | None, key: str, column: str, text: str | None) -> str | None:
    """A text as it stands in its column."""
    if seal is None or text is None:
        return text
    return _TEXT_MARK + base64.b64encode(seal.close(key, column, text.encode())).decode()


def opened_text(seal: Seal | None, key: str, column: str, text: str | None) -> str | None:
    """The text of a column, sealed or not."""
    if text is None or not text.startswith(_TEXT_MARK):
        return text
    data = opened(seal, key, column, base64.b64decode(text.removeprefix(_TEXT_MARK)))
    return None if data is None else data.decode()


def _place(idempotency_key: str, column: str) -> bytes:
    return hashlib.sha256(f"{column}\0{idempotency_key}".encode()).digest()[:_PLACE_BYTES]


def _is_asked(key: object) -> bool:
    return callable(key) and not hasattr(key, "decrypt")


def _cipher_of(key: object) -> Cipher:
    if hasattr(key, "encrypt") and hasattr(key, "decrypt"):
        return cast("Cipher", key)
    texts = [one.strip() for one in key.split(",")] if isinstance(key, str) else key
    if not isinstance(texts, list | tuple) or not texts or not all(isinstance(text, str) for text in texts):
        raise ConfigurationError(
            "journal_key must be Fernet keys, an object with encrypt and decrypt, or a callable that gives one of "
            f"them, not {type(key).__name__}"
        )
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError as problem:
        raise ConfigurationError(
            "an encrypted journal needs cryptography: pip install 'molam-python-sdk[crypto]'"
        ) from problem
    try:
        return MultiFernet([Fernet(text) for text in texts])
    except ValueError:
        pass  # its message may hold a part of the key
    raise ConfigurationError(
        f"journal_key ({VARIABLE}) must be Fernet keys of 44 characters, separated by commas; make one by: {_MAKE_ONE}"
    )
