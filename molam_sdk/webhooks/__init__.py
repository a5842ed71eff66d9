"""Webhooks as Molam sends them: verify, read as typed events, sign for tests. No framework, no store, no socket."""

from __future__ import annotations

from .event import (
    AnyWebhookEvent,
    DisputeEvent,
    PaymentEvent,
    PayoutEvent,
    RefundEvent,
    UnknownEvent,
    WebhookEvent,
    canonical_type,
    construct_event,
    parse_event,
)
from .refusal import Refusal
from .secrets import EnvironmentSecrets, RotatingSecrets, Secret, Secrets, SecretSource
from .signature import MAX_PAYLOAD_BYTES, SignatureHeader, sign, verify_molam_signature

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "AnyWebhookEvent",
    "DisputeEvent",
    "EnvironmentSecrets",
    "PaymentEvent",
    "PayoutEvent",
    "RefundEvent",
    "Refusal",
    "RotatingSecrets",
    "Secret",
    "SecretSource",
    "Secrets",
    "SignatureHeader",
    "UnknownEvent",
    "WebhookEvent",
    "canonical_type",
    "construct_event",
    "parse_event",
    "sign",
    "verify_molam_signature",
]
