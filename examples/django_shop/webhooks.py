"""What the shop does when Molam says that a payment succeeded."""

import os

from molam_sdk.contrib.django.store import DjangoStore
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.webhooks import EnvironmentSecrets, PaymentEvent

from .models import Order, Shipment

receiver = WebhookReceiver(
    EnvironmentSecrets(), DjangoStore(), lease_seconds=float(os.environ.get("LEASE_SECONDS", "45"))
)


@receiver.on("payment.succeeded")
def ship(event: PaymentEvent) -> None:
    """Runs inside ``transaction.atomic``: the shipment and the event's mark are committed together."""
    payment = event.data
    order = Order.objects.get(pk=payment.metadata["order"])
    if (payment.amount, payment.currency) != (order.amount, order.currency):
        raise ValueError(f"{payment.id} pays {payment.amount} {payment.currency}, which is not what {order} costs")
    Shipment.objects.create(order=order, payment_id=payment.id)
    Order.objects.filter(pk=order.pk).update(paid=True)
