"""pybreaker, imported without redis, which it loads whole at import wherever it is installed.

Redis and asyncio under it cost as much as everything else of this SDK together, for one class that few shops use.
That class is completed when it is first asked for: ``pybreaker.CircuitRedisStorage`` works as ever, imported before
this SDK or after it.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

__all__ = ["CircuitBreakerError"]

_REDIS_NAMES: Final = {"Redis": "redis", "Pipeline": "redis.client", "RedisError": "redis.exceptions"}
_COMPLETED_LATER: Final = frozenset({"CircuitRedisStorage", "HAS_REDIS_SUPPORT", *_REDIS_NAMES})


class _Loader(Loader):
    """pybreaker's loader, in whose eyes redis is not installed. Other threads see no difference."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        names = vars(module)
        names["__spec__"].loader = names["__loader__"] = self._loader
        names["__builtins__"] = seen = vars(builtins) | {"__import__": _import_without_redis}
        try:
            self._loader.exec_module(module)
        finally:
            seen["__import__"] = builtins.__import__  # its functions keep these builtins for good
        _complete_later(names)


class _Finder:
    """Finds pybreaker, and nothing else."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == "pybreaker" else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def _import_without_redis(name: str, *args: Any, **kwargs: Any) -> ModuleType:
    if name.partition(".")[0] == "redis":
        raise ImportError(name)
    return builtins.__import__(name, *args, **kwargs)


def _complete_later(names: dict[str, Any]) -> None:
    """Take out what needs redis, and put it back, completed, when somebody asks for it."""
    if names.get("HAS_REDIS_SUPPORT") is not False or "CircuitRedisStorage" not in names:
        return
    storage = names.pop("CircuitRedisStorage")
    del names["HAS_REDIS_SUPPORT"]

    def complete(name: str) -> object:
        if name not in _COMPLETED_LATER:
            raise AttributeError(f"module 'pybreaker' has no attribute {name!r}")
        found = {inner: getattr(importlib.import_module(where), inner) for inner, where in _REDIS_NAMES.items()}
        names.update(found, HAS_REDIS_SUPPORT=True, CircuitRedisStorage=storage)
        return names[name]

    names["__getattr__"] = complete


def _import_pybreaker() -> None:
    if "pybreaker" in sys.modules or "redis" in sys.modules or find_spec("redis") is None:
        return  # nothing left to save, or nothing to
    sys.meta_path.insert(0, _Finder)
    try:
        importlib.import_module("pybreaker")
    except ImportError:
        pass  # a pybreaker that cannot do without redis: the import below loads both
    finally:
        sys.meta_path.remove(_Finder)


_import_pybreaker()

from pybreaker import CircuitBreakerError  # noqa: E402
