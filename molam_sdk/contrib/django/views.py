"""The webhook receiver as a Django view: exempt from CSRF, outside ATOMIC_REQUESTS, on the raw body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import RequestDataTooBig
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.http.request import RawPostDataException, UnreadablePostError
from django.urls import URLPattern, path

from ...receiver import WebhookAnswer, WebhookReceiver
from ...receiver.headers import DeliveryHeaders

__all__ = ["webhook_path", "webhook_view", "webhook_view_async"]

T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., Any])

_UNREADABLE: Final = (RawPostDataException, UnreadablePostError, RequestDataTooBig, ValueError)
_TAKEN: Final = (
    "The body could not be read ({error}): a middleware or decorator has used request.POST or request.read() before "
    "this view. Let the webhook's path pass it, or have it use request.body."
)


def webhook_path(receiver: WebhookReceiver, route: str = "webhooks/molam", *, use_async: bool = False) -> URLPattern:
    """The entry for urlpatterns, named ``molam_webhooks``; ``use_async`` for a project under ASGI."""
    view: Any = webhook_view_async(receiver) if use_async else webhook_view(receiver)
    entry: URLPattern = path(route, view, name="molam_webhooks")
    return entry


def webhook_view(receiver: WebhookReceiver) -> Callable[[HttpRequest], HttpResponseBase]:
    """A view that takes Molam's deliveries."""

    def receive(request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            body = _raw_body(request, receiver.max_bytes)
        except _UNREADABLE as error:
            return _response(receiver.unreadable(_TAKEN.format(error=error)))
        return _response(receiver.receive(request.headers, body))

    return _exempt(receive)


def webhook_view_async(receiver: WebhookReceiver) -> Callable[[HttpRequest], Awaitable[HttpResponseBase]]:
    """As ``webhook_view``, for ASGI: coroutine functions are awaited, the database is used in Django's thread."""

    async def receive(request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            body = _raw_body(request, receiver.max_bytes)
        except _UNREADABLE as error:
            return _response(receiver.unreadable(_TAKEN.format(error=error)))
        return _response(await receiver.receive_async(request.headers, body, in_thread=_in_thread))

    return _exempt(receive)


def _in_thread(function: Callable[..., T], /, *args: Any) -> Awaitable[T]:
    return sync_to_async(function, thread_sensitive=True)(*args)


def _raw_body(request: HttpRequest, max_bytes: int) -> bytes:
    """The body as it was sent; nothing of one that says it is too long. Raises one of ``_UNREADABLE``."""
    return b"" if DeliveryHeaders(request.headers).content_length > max_bytes else request.body


def _response(answer: WebhookAnswer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))


def _exempt(view: View) -> View:
    """No CSRF token, since the signature says who sent it; no request transaction, which would hide the claim."""
    view.csrf_exempt = True  # type: ignore[attr-defined]  # Django looks for this attribute on the function
    aliases: list[str] = list(connections)
    for alias in aliases:
        transaction.non_atomic_requests(alias)(view)
    return view
