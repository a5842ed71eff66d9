"""The public types beside clients, models and errors: what to annotate, and the seams to plug something in at.

``Observer`` is told of every call; ``Transport`` and ``AsyncTransport`` send; the ``…Params`` are payloads as dicts;
the rest are the values that statuses, events, methods and outcomes are known to have.
"""

from __future__ import annotations

from ._core.record import CallRecord, CallStart, Observer
from ._core.wire import AsyncTransport, Failure, NoReply, Reply, Request, Transport
from ._params import (
    DisputeEventType,
    EventType,
    MerchantOnboardingParams,
    PaymentEventType,
    PaymentIntentParams,
    PaymentIntentStatus,
    PaymentMethod,
    PayoutEventType,
    PayoutParams,
    PayoutStatus,
    RefundEventType,
    RefundParams,
    RefundStatus,
    WebhookEndpointParams,
    WebhookEndpointStatus,
)
from .config import ApiKey
from .exceptions import Outcome, SentRequest
from .money import AmountInput

__all__ = [
    "AmountInput",
    "ApiKey",
    "AsyncTransport",
    "CallRecord",
    "CallStart",
    "DisputeEventType",
    "EventType",
    "Failure",
    "MerchantOnboardingParams",
    "NoReply",
    "Observer",
    "Outcome",
    "PaymentEventType",
    "PaymentIntentParams",
    "PaymentIntentStatus",
    "PaymentMethod",
    "PayoutEventType",
    "PayoutParams",
    "PayoutStatus",
    "RefundEventType",
    "RefundParams",
    "RefundStatus",
    "Reply",
    "Request",
    "SentRequest",
    "Transport",
    "WebhookEndpointParams",
    "WebhookEndpointStatus",
]
