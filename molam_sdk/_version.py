"""The version of this package. It stands in pyproject.toml, and is read from the metadata of what is installed."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Final

_INSTALLED: Final = "molam_python_sdk-"


@cache
def version() -> str:
    """As ``1.2.3``; ``0+unknown`` where the sources run without having been installed."""
    for folder in sys.path:
        if (found := _version_in(folder or ".")) is not None:
            return found
    return _version_by_importlib()


def _version_in(folder: str) -> str | None:
    """By the name of the ``.dist-info`` folder. importlib.metadata would load a mail parser and zip files for it."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - pathlib is no part of what a client needs
    except OSError:
        return None
    for name in names:
        if name.startswith(_INSTALLED) and name.endswith(".dist-info"):
            return name[len(_INSTALLED) : -len(".dist-info")]
    return None


def _version_by_importlib() -> str:
    """For whatever else installs packages: zip files, frozen applications."""
    from importlib import metadata

    try:
        return metadata.version("molam-python-sdk")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def __getattr__(name: str) -> str:
    if name == "__version__":
        return version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
