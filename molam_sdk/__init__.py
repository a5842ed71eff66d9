"""Molam payments for Python: take, refund and pay out money, and know what became of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .client import MolamClient, Pages
from .config import ClientConfig, MolamConfigurationWarning
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
    TimeoutError,
    WebhookVerificationError,
)
from .models import (
    Document,
    MerchantOnboarding,
    MerchantOnboardingCreate,
    Page,
    PaymentIntent,
    PaymentIntentCreate,
    Payout,
    PayoutCreate,
    Refund,
    RefundCreate,
    ResponseInfo,
    WebhookEndpoint,
    WebhookEndpointCreate,
)

if TYPE_CHECKING:
    from ._version import __version__
    from .async_client import AsyncPages, MolamAsyncClient
    from .sync_client import MolamSyncClient

# Loaded on first use: a blocking shop never imports aiohttp, and a plain client no metrics.
_ON_FIRST_USE = {
    "AsyncPages": "async_client",
    "MolamAsyncClient": "async_client",
    "MolamSyncClient": "sync_client",
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
    "MerchantOnboarding",
    "MerchantOnboardingCreate",
    "MolamAsyncClient",
    "MolamClient",
    "MolamConfigurationWarning",
    "MolamError",
    "MolamSyncClient",
    "MolamTimeoutError",
    "NetworkError",
    "NotFoundError",
    "Outcome",
    "Page",
    "Pages",
    "PaymentIntent",
    "PaymentIntentCreate",
    "Payout",
    "PayoutCreate",
    "PermissionDeniedError",
    "RateLimitError",
    "RedirectError",
    "Refund",
    "RefundCreate",
    "RequestValidationError",
    "ResponseError",
    "ResponseInfo",
    "ServerError",
    "TimeoutError",
    "WebhookEndpoint",
    "WebhookEndpointCreate",
    "WebhookVerificationError",
    "__version__",
]


def __getattr__(name: str) -> object:
    module = _ON_FIRST_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f".{module}", __name__), name)
    return found
