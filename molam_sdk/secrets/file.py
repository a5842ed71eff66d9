"""Secrets in files, as Docker, Kubernetes, systemd and the agents of vaults write them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from .keeping import LOCAL
from .names import checked_name, filled, names_kid, picked
from .source import KeptSource

_MOST_BYTES: Final = 65_536
_MOST_FILES: Final = 256
_UNSETTLED_NS: Final = 100_000_000
"""A file that was changed so recently may change again without another time of change."""

_Look = tuple[int, int, int, int, int]


class FileSource(KeptSource):
    """The content of a file, without the white space around it; several secrets one a line, or with commas between.

    ``{kid}`` in the path stands for the key id: ``/run/secrets/molam_webhook_{kid}``. ``field``: the file is a JSON
    object, and this field of it is the secret. The file is looked at each time and read again when it has changed,
    links that were swapped included; no thread waits for that. While it is empty or cannot be read, what it held
    before counts for ``stale_for`` seconds.
    """

    def __init__(
        self, path: str | os.PathLike[str], field: str | None = None, *, stale_for: float = LOCAL.stale_for
    ) -> None:
        self._path = checked_name("path", os.fspath(path) if isinstance(path, os.PathLike) else path)
        self._field = None if field is None else checked_name("field", field)
        self._read: dict[str, tuple[_Look, tuple[str | bytes, ...]]] = {}
        super().__init__(f"file:{self._path}{f'#{field}' if field else ''}", replace(LOCAL, stale_for=stale_for))

    def fetch(self, kid: str = "") -> tuple[str | bytes, ...]:
        """What the file holds now. ``OSError``, and ``ValueError`` for a file that holds no secret."""
        path = filled(self._path, kid)
        if path is None:
            return ()
        try:
            seen = _look_of(os.stat(path))  # noqa: PTH116 - each call: a Path would cost more than the look
        except FileNotFoundError:
            if names_kid(self._path):
                return ()
            raise
        known = self._read.get(path)
        if known is not None and known[0] == seen:
            return known[1]
        return self._read_anew(path, kid)

    def _read_anew(self, path: str, kid: str) -> tuple[str | bytes, ...]:
        look, found = _read(path, lambda text: picked(text, self._field, kid))
        if not found:
            raise ValueError(f"the file {path} holds no secret{f' in {self._field!r}' if self._field else ''}")
        if time.time_ns() - max(look[2:4]) > _UNSETTLED_NS and len(self._read) < _MOST_FILES:
            self._read[path] = look, found
        else:
            self._read.pop(path, None)
        return found


def _look_of(stat: os.stat_result) -> _Look:
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


def _read(path: str, pick: Callable[[bytes], tuple[str | bytes, ...]]) -> tuple[_Look, tuple[str | bytes, ...]]:
    """What a file looked like when it was read, and the secrets in it."""
    with Path(path).open("rb") as file:
        look = _look_of(os.fstat(file.fileno()))
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        del content  # the error's frames are shown to others
        raise ValueError(f"the file {path} is too large to be a secret: more than {_MOST_BYTES} bytes")
    return look, pick(content)
