"""Molam payments for Python: take, refund and pay out money, and know what became of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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
    JournalError,
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
    SwitchedOffError,
    WebhookVerificationError,
)
from .exceptions import TimeoutError as TimeoutError  # not in __all__: `import *` must not shadow the builtin
from .models import (
    ClientConfig,
    Document,
    PaymentIntentStatus,
    PaymentMethod,
    PayoutStatus,
    RefundStatus,
    ResponseInfo,
    WebhookEndpointStatus,
)

if TYPE_CHECKING:
    from ._version import __version__
    from .async_client import MolamAsyncClient
    from .models import *  # noqa: F403 - what models promises in __all__ is promised here
    from .models import answers, payloads
    from .plain_async_client import AsyncPages, PlainAsyncClient
    from .sync_client import MolamSyncClient

# Loaded on first use, as the models are: a blocking shop never imports asyncio's half, a plain client no metrics.
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
    "ClientConfig",
    "ConfigurationError",
    "ConflictError",
    "DeclinedError",
    "Document",
    "IdempotencyError",
    "InvalidRequestError",
    "JournalError",
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
    "PaymentIntentStatus",
    "PaymentMethod",
    "PayoutStatus",
    "PermissionDeniedError",
    "PlainAsyncClient",
    "RateLimitError",
    "RedirectError",
    "RefundStatus",
    "RequestValidationError",
    "ResponseError",
    "ResponseInfo",
    "ServerError",
    "SwitchedOffError",
    "WebhookEndpointStatus",
    "WebhookVerificationError",
    "__version__",
]

if TYPE_CHECKING:
    __all__ += answers.__all__
    __all__ += payloads.__all__
else:
    _AT_HAND = tuple(__all__)
    del __all__  # it is found below, with the names of the models

    def __getattr__(name: str) -> object:
        if name == "__all__":
            return sorted({*_AT_HAND, *import_module(".models", __name__).__all__})
        module = _ON_FIRST_USE.get(name)
        if module is not None:
            return getattr(import_module(f".{module}", __name__), name)
        if name[:1].isupper():  # a submodule, which is asked for in this way too, is no reason to load the models
            models = import_module(".models", __name__)
            if name in models.__all__:
                return getattr(models, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__getattr__("__all__")})
