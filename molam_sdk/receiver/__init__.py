"""Receives webhooks: verifies a delivery, lets one worker at a time have its event, runs the merchant's handlers."""

from __future__ import annotations

from .delivery import WebhookAnswer
from .receiver import WebhookReceiver

__all__ = ["WebhookAnswer", "WebhookReceiver"]
