"""Files that may be replaced while a client lives: certificates, keys and CA bundles."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from .origin import clock

Stamp = tuple[tuple[int, ...] | None, ...]

_AGAIN_AFTER: Final = 1.0


class WatchedFiles:
    """Tells by ``stat`` whether files have changed since they were taken; links are followed, as Kubernetes swaps them.

    Those that could not be used are offered again once they change, and after a second: what was in the way may have
    been something else. The files of a folder are not looked at, only the folder.
    """

    def __init__(self, *paths: str | None) -> None:
        self._paths = [path for path in paths if path is not None]
        self._taken: Stamp = ()
        self._refused: Stamp | None = None
        self._offer_again_at = 0.0

    def stamp(self) -> Stamp:
        """What the file system says of them now."""
        return tuple(map(_stamp_of, self._paths))

    def changed(self) -> bool:
        """Whether they are worth reading."""
        now = self.stamp()
        if now == self._taken:
            return False
        return now != self._refused or clock() >= self._offer_again_at

    def take(self, stamp: Stamp) -> None:
        """They were read, having looked so before."""
        self._taken, self._refused = stamp, None

    def refuse(self, stamp: Stamp) -> bool:
        """They cannot be used; whether that is new."""
        is_new = stamp != self._refused
        self._refused, self._offer_again_at = stamp, clock() + _AGAIN_AFTER
        return is_new


def check_whole(path: str) -> None:
    """``ValueError`` where the file ends within a certificate or key: OpenSSL would take what stands before it."""
    text = Path(path).read_bytes()
    if text.count(b"-----BEGIN ") != text.count(b"-----END "):
        raise ValueError(f"{path} is cut short")


def _stamp_of(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path costs as much again, and this is done per connection
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
