"""The URLs of the Django project: one receiver behind several views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import path

from molam_sdk.contrib.django.store import DjangoStore
from molam_sdk.contrib.django.views import webhook_path, webhook_view
from molam_sdk.store import Claim
from molam_sdk.webhooks import WebhookEvent
from tests.support.webhooks.shop import Shop

shop = Shop(DjangoStore(clock="caller"))


@shop.receiver.on("payment.succeeded")
def fulfil(event: WebhookEvent) -> None:
    """Another event stands for what a shop would write in the same transaction."""
    written = Claim(f"order of {event.id}", "order", "shop")
    shop.store.claim(written, shop.now, shop.now + 60)
    shop.fulfil(event)


@shop.receiver.on("payout.paid")
async def pay_out(event: WebhookEvent) -> None:
    """A coroutine function among the plain ones."""
    shop.fulfil(event)


def reading_before(view: Callable[[HttpRequest], HttpResponseBase]) -> Any:
    """What a middleware does that parses the body as a stream."""

    def read_before(request: HttpRequest) -> HttpResponseBase:
        request.read()
        return view(request)

    read_before.csrf_exempt = True  # type: ignore[attr-defined]  # Django looks for this attribute on the function
    return read_before


urlpatterns = [
    webhook_path(shop.receiver, "hooks"),
    webhook_path(shop.receiver, "async-hooks", use_async=True),
    path("read-before", reading_before(webhook_view(shop.receiver))),
]
