"""How the shop asks Molam for money."""

import logging
from functools import cache
from typing import Any

from django.db import transaction

from molam_sdk import ClientConfig, DeclinedError, MolamError, MolamSyncClient, PaymentIntent, RequestValidationError
from molam_sdk.contrib.django.store import DjangoStore
from molam_sdk.journal import Entry

from .models import Order


@cache
def molam() -> MolamSyncClient:
    """One client per worker, made on first use; what it asks for is written down in the shop's own database."""
    return MolamSyncClient(ClientConfig.from_env(), journal=DjangoStore())


def order_and_pay_later(wanted: dict[str, Any]) -> Order:
    """The order and the payment to be made, both or neither: ``manage.py molam_journal work`` makes it."""
    with transaction.atomic():
        order = Order.objects.create(amount=wanted["amount"], currency=wanted["currency"])
        molam().journal.enqueue(
            molam().create_payment_intent,
            {**wanted, "capture": True, "metadata": {"order": str(order.pk)}},
            idempotency_key=f"order-{order.pk}",
        )
    return order


def ended(entry: Entry) -> None:
    """Told of each payment that was made later; a decline is final."""
    if entry.state != "done":
        logging.getLogger("shop").warning("%s ended as %s (%s)", entry.key, entry.state, entry.code)


def pay(order: Order, wanted: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Ask for the payment of an order, and say how that went to whoever ordered."""
    try:
        return {"payment": ask_for_payment(order, wanted).id}, 201
    except DeclinedError as declined:
        return {"declined": declined.code}, 402
    except RequestValidationError as wrong:
        return {"error": str(wrong)}, 400
    except MolamError as error:
        logging.getLogger("shop").exception("%s: %s", order, error.advice)
        # Unknown: the webhook, or ``molam().in_doubt()``, will tell. Never ask anew under another key.
        return {"payment": error.outcome}, 202 if error.outcome in {"unknown", "accepted"} else 502


def ask_for_payment(order: Order, wanted: dict[str, Any]) -> PaymentIntent:
    """Under the order's own key: whatever is asked again, one payment comes of it."""
    try:
        return molam().create_payment_intent(
            {**wanted, "capture": True, "metadata": {"order": str(order.pk)}}, idempotency_key=f"order-{order.pk}"
        )
    except MolamError as error:
        if error.outcome not in {"unknown", "accepted"}:
            raise
        found: PaymentIntent = molam().resolve(error, timeout=5)
        return found
