"""Molam payments for Python: take, refund and pay out money, and know what became of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from . import models
from .client import MolamClient, Pages
from .config import MolamConfigurationWarning
from .exceptions import (
    APIError,
    AuthenticationError,
    BulkheadFullError,
    CircuitOpenError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    DeclinedError,
    IdempotencyError,
    InvalidRequestError,
    MolamError,
    MolamTimeoutError,
    NetworkError,
    NotFoundError,
    Outcome,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    RequestValidationError,
    ResponseError,
    ServerError,
    WebhookVerificationError,
)
from .exceptions import TimeoutError as TimeoutError  # not in __all__: `import *` must not shadow the builtin
from .models import *  # noqa: F403 - what models.py promises in __all__ is promised here

if TYPE_CHECKING:
    from ._version import __version__
    from .async_client import MolamAsyncClient
    from .plain_async_client import AsyncPages, PlainAsyncClient
    from .sync_client import MolamSyncClient

# Loaded on first use: a blocking shop never imports asyncio's half, and a plain client no metrics.
_ON_FIRST_USE = {
    "AsyncPages": "plain_async_client",
    "MolamAsyncClient": "async_client",
    "MolamSyncClient": "sync_client",
    "PlainAsyncClient": "plain_async_client",
    "__version__": "_version",
}

__all__ = [
    "APIError",
    "AsyncPages",
    "AuthenticationError",
    "BulkheadFullError",
    "CircuitOpenError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "DeclinedError",
    "IdempotencyError",
    "InvalidRequestError",
    "MolamAsyncClient",
    "MolamClient",
    "MolamConfigurationWarning",
    "MolamError",
    "MolamSyncClient",
    "MolamTimeoutError",
    "NetworkError",
    "NotFoundError",
    "Outcome",
    "Pages",
    "PermissionDeniedError",
    "PlainAsyncClient",
    "RateLimitError",
    "RedirectError",
    "RequestValidationError",
    "ResponseError",
    "ServerError",
    "WebhookVerificationError",
    "__version__",
]
__all__ += models.__all__


def __getattr__(name: str) -> object:
    module = _ON_FIRST_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f".{module}", __name__), name)
    return found
