"""The version of this package. It stands in pyproject.toml, and is read from the metadata of what is installed."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def version() -> str:
    """As ``1.2.3``; ``0+unknown`` where the sources run without having been installed."""
    try:
        return metadata.version("molam-python-sdk")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def __getattr__(name: str) -> str:
    if name == "__version__":
        return version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
