"""The shop's pages: order, look, and the webhook."""

import json

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from molam_sdk.contrib.django.views import webhook_path

from .models import Order, Shipment
from .payments import order_and_pay_later, pay
from .webhooks import receiver


@csrf_exempt
def orders(request: HttpRequest) -> JsonResponse:
    """Take an order and ask for its payment."""
    try:
        wanted = json.loads(request.body)
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict) or not {"amount", "currency"} <= wanted.keys():
        return JsonResponse({"error": "an order has an amount and a currency"}, status=400)
    if wanted.pop("later", False):
        return JsonResponse({"order": order_and_pay_later(wanted).pk}, status=202)
    order = Order.objects.create(amount=wanted["amount"], currency=wanted["currency"])
    answer, status = pay(order, wanted)
    return JsonResponse({"order": order.pk, **answer}, status=status)


def order(request: HttpRequest, number: int) -> JsonResponse:
    """How an order stands."""
    found = get_object_or_404(Order, pk=number)
    return JsonResponse(
        {"order": number, "paid": found.paid, "shipments": Shipment.objects.filter(order=found).count()}
    )


urlpatterns = [
    path("orders", orders),
    path("orders/<int:number>", order),
    webhook_path(receiver, "webhooks/molam"),
]
