"""Webhook events as Django signals, for projects that are wired with them."""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

from ...receiver import WebhookReceiver
from ...webhooks import WebhookEvent

__all__ = ["send_signals", "webhook_event"]

webhook_event: Final = Signal()
"""``connect(function, sender=PaymentEvent)``: the function is given ``event``, and runs where plain handlers run."""


def send_signals(receiver: WebhookReceiver, *types: str) -> None:
    """Send ``webhook_event`` for every event of these types (all, if none is given), with its class as the sender.

    In the store's transaction: where a connected function raises, what all of them wrote is undone, and Molam sends
    the event again.
    """

    def send(event: WebhookEvent) -> None:
        webhook_event.send(sender=type(event), event=event)

    receiver.on(*(types or ("*",)), name=f"{__name__}.send_signals({', '.join(types)})")(send)
