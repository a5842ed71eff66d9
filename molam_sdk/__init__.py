"""Molam payments for Python: take, refund and pay out money, and know what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__
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
from .sync_client import MolamSyncClient

if TYPE_CHECKING:
    from .async_client import AsyncPages, MolamAsyncClient

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
    """Load the asyncio client on first use: a blocking shop never imports aiohttp."""
    if name in ("MolamAsyncClient", "AsyncPages"):
        from . import async_client

        return getattr(async_client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
