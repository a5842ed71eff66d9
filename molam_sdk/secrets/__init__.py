"""Where API keys and webhook secrets come from: one kind of source for both, each loaded on first use.

Give a source to ``ClientConfig(api_key=…)`` or to ``WebhookReceiver``; docs/secrets.md shows each.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .aws import AwsSource
    from .azure import AzureSource
    from .chain import first
    from .environment import EnvironmentSource
    from .file import FileSource
    from .found import Secret, Secrets, SecretSource
    from .google import GoogleSource
    from .keeping import Keeping
    from .keyring import KeyringSource
    from .source import CallableSource, KeptSource
    from .vault import VaultSource

_ON_FIRST_USE = {
    "AwsSource": "aws",
    "AzureSource": "azure",
    "CallableSource": "source",
    "EnvironmentSource": "environment",
    "FileSource": "file",
    "GoogleSource": "google",
    "Keeping": "keeping",
    "KeptSource": "source",
    "KeyringSource": "keyring",
    "Secret": "found",
    "SecretSource": "found",
    "Secrets": "found",
    "VaultSource": "vault",
    "first": "chain",
}

__all__ = [
    "AwsSource",
    "AzureSource",
    "CallableSource",
    "EnvironmentSource",
    "FileSource",
    "GoogleSource",
    "Keeping",
    "KeptSource",
    "KeyringSource",
    "Secret",
    "SecretSource",
    "Secrets",
    "VaultSource",
    "first",
]


def __getattr__(name: str) -> object:
    module = _ON_FIRST_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f".{module}", __name__), name)
    return found
