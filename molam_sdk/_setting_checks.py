"""What each setting of a client may be; the error names the setting and what is allowed, and repeats no text."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final

from ._shown import shown
from .exceptions import ConfigurationError

MOST_SECONDS: Final = 1e9
"""The longest time a call may be given, some thirty years: the clocks of sockets and locks end at nine times that."""

_TEXTS: Final = ("base_url", "environment", "region", "proxy", "default_currency", "switched_off", "switches_file")
_FLAGS: Final = ("verify_ssl", "debug")
_FILES: Final = ("ca_bundle", "mtls_cert", "mtls_key")
_POSITIVE: Final = (
    "timeout_connect",
    "timeout_read",
    "timeout_total",
    "retry_backoff_max",
    "pool_size",
    "pool_idle_seconds",
    "max_body_bytes",
)
_NOT_NEGATIVE: Final = (
    "max_retries",
    "retry_backoff_factor",
    "retry_after_max",
    "retry_budget",
    "remembered_keys",
    "retry_cost",
    "retry_cost_timeout",
    "bulkhead_wait",
)


def check_kinds(config: Any) -> None:
    """Texts are texts, flags are flags."""
    for name in _TEXTS:
        if not isinstance(getattr(config, name), str | None):
            raise ConfigurationError(f"{name} must be a text, not {_kind(getattr(config, name))}")
    for name in _FLAGS:
        if not isinstance(getattr(config, name), bool):
            raise ConfigurationError(f"{name} must be True or False, not {_kind(getattr(config, name))}")


def check_numbers(config: Any) -> None:
    """Numbers are within their bounds."""
    for name in _POSITIVE + _NOT_NEGATIVE:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigurationError(f"{name} must be a number, not {_kind(value)}")
        if not 0 <= value <= _most(name) or (name in _POSITIVE and value == 0):
            raise ConfigurationError(f"{name} must be a positive number up to {_most(name):g}, not {shown(value)}")


def check_switches(switches: object) -> None:
    """It can be asked."""
    if switches is not None and not callable(switches):
        raise ConfigurationError(
            f"switches must be a function of a flag's name that answers False where it is off, not {_kind(switches)}"
        )


def limits_of(bulkheads: Mapping[str, int]) -> dict[str, int]:
    """A copy of the limits by group."""
    if not isinstance(bulkheads, Mapping):
        raise ConfigurationError(f"bulkheads must map groups to limits, not be {_kind(bulkheads)}")
    for group, limit in bulkheads.items():
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ConfigurationError(f"bulkheads[{shown(group)}] must be a whole number from 1, not {shown(limit)}")
    return dict(bulkheads)


def files_of(config: Any) -> dict[str, str]:
    """The paths of the files that are named; each is there."""
    found: dict[str, str] = {}
    for name in _FILES:
        path = getattr(config, name)
        if path is None:
            continue
        if not isinstance(path, str | PathLike) or not isinstance(fspath(path), str):
            raise ConfigurationError(f"{name} must be the path of a file, not {_kind(path)}")
        found[name] = _existing(name, fspath(path))
    if "mtls_key" in found and "mtls_cert" not in found:
        raise ConfigurationError("mtls_key without mtls_cert: give both")
    return found


def check_header_safe(name: str, value: str) -> None:
    """What goes into a header field."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or value != value.strip():
        raise ConfigurationError(f"{name} must be printable ASCII without spaces around it")


def _existing(name: str, path: str) -> str:
    try:
        there = Path(path).exists()
    except (OSError, ValueError):  # a key in place of its path is too long for one
        there = False
    if not there:
        quoted = f": {path}" if _looks_like_a_path(path) else ": give the path of a file, not its content"
        raise ConfigurationError(f"{name}: no such file{quoted}")
    return path


def _looks_like_a_path(text: str) -> bool:
    return len(text) < 200 and text.isprintable() and text.startswith(("/", "./", "../", "~", "\\", "C:"))


def _kind(value: object) -> str:
    return f"a value of type {type(value).__name__}"


def _most(name: str) -> float:
    return MOST_SECONDS if name.startswith("timeout_") else 1e18
