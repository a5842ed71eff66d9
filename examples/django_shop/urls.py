"""The shop's pages: order, look, and the webhook."""

import json
from functools import cache

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from molam_sdk import ClientConfig, MolamSyncClient
from molam_sdk.contrib.django.views import webhook_path

from .models import Order, Shipment
from .webhooks import receiver


@cache
def molam() -> MolamSyncClient:
    """One client per worker, made on first use."""
    return MolamSyncClient(ClientConfig.from_env())


@csrf_exempt
def orders(request: HttpRequest) -> JsonResponse:
    """Take an order and ask for its payment."""
    wanted = json.loads(request.body)
    order = Order.objects.create(amount=wanted["amount"], currency=wanted["currency"])
    intent = molam().create_payment_intent(
        {**wanted, "capture": True, "metadata": {"order": str(order.pk)}}, idempotency_key=f"order-{order.pk}"
    )
    return JsonResponse({"order": order.pk, "payment": intent.id}, status=201)


def order(request: HttpRequest, number: int) -> JsonResponse:
    """How an order stands."""
    found = Order.objects.get(pk=number)
    return JsonResponse(
        {"order": number, "paid": found.paid, "shipments": Shipment.objects.filter(order=found).count()}
    )


urlpatterns = [
    path("orders", orders),
    path("orders/<int:number>", order),
    webhook_path(receiver, "webhooks/molam"),
]
