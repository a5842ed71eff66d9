"""The shop's own receiver, which a command line names as ``module:attribute``."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from ..receiver import WebhookReceiver


def receiver_of(app: str) -> WebhookReceiver:
    """The receiver that ``module:attribute`` names, found from the current directory."""
    module, _, attribute = app.partition(":")
    sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module)
        for name in (attribute or "receiver").split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError, ValueError) as error:
        raise click.BadParameter(f"{app} names no receiver: {error}", param_hint="--app") from error
    if not isinstance(found, WebhookReceiver):
        raise click.BadParameter(f"{app} is a {type(found).__name__}, no WebhookReceiver", param_hint="--app")
    return found
