"""Libraries that not every merchant wants: imported on use, and named by the line that installs them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..exceptions import ConfigurationError


def imported(module: str, extra: str) -> Any:
    """A module of an extra; ``ConfigurationError`` names what to install."""
    try:
        return import_module(module)
    except ImportError as missing:
        raise ConfigurationError(f"{module} is missing; run: pip install 'molam-python-sdk[{extra}]'") from missing
