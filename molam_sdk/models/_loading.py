"""Loading the models, and pydantic with them: when the first is asked for, not when the SDK is imported."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Final, TypeVar

from .._aside import Aside

# Held while models are loaded, or one of them is built, and across a fork: no child is born with half a model, or
# with a lock of Python's import system held by a thread that it does not have.
loading: Final = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=loading.acquire, after_in_parent=loading.release, after_in_child=loading.release)

_files: list[ModuleType] = []
_loaders: list[int] = []
_LOOKS_EVERY: Final = 60.0

T = TypeVar("T")


def load() -> None:
    """Load the models now, unless they are loaded: for a server before it forks, or before its first request."""
    if not _files:
        load_files()


def load_files() -> list[ModuleType]:
    """The files with the models."""
    with loading:
        if not _files:
            _loaders.append(threading.get_ident())
            try:
                _files[:] = [import_module(f".{name}", __package__) for name in ("payloads", "answers")]
            finally:
                _loaders.clear()
    return _files


def built_undisturbed(build: Callable[[], T]) -> T:
    """Build one model at a time, and not in the main thread, where signal handlers run: of what one raises into the
    building pydantic keeps only the words."""
    this = threading.current_thread()
    if this is not threading.main_thread() or this.ident in _loaders:
        return _built(build)
    aside = Aside(partial(_built, build))
    aside.start("molam-model")
    while not aside.wait(_LOOKS_EVERY):
        pass
    return aside.result()


def _built(build: Callable[[], T]) -> T:
    with loading:
        return build()
