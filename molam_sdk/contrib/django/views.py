"""The webhook receiver as a Django view: exempt from CSRF, outside ATOMIC_REQUESTS, on the raw body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import RequestDataTooBig
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.urls import URLPattern, path

from ...health import Health, HealthReport
from ...receiver import WebhookAnswer, WebhookReceiver
from ...receiver.headers import DeliveryHeaders

known_receivers: Final[list[WebhookReceiver]] = []
"""Every receiver that a view was made for; ``manage.py check`` looks at them."""

__all__ = ["health_paths", "webhook_path", "webhook_view", "webhook_view_async"]

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


def health_paths(health: Health, route: str = "health/molam") -> list[URLPattern]:
    """Two entries for urlpatterns, ``…/live`` and ``…/ready``, for probes; 503 where it should get no calls."""

    def page(look: Callable[[], HealthReport]) -> Callable[[HttpRequest], HttpResponseBase]:
        def view(_request: HttpRequest) -> HttpResponseBase:
            report = look()
            return JsonResponse(report.to_dict(), status=report.http_status, headers={"Cache-Control": "no-store"})

        return view

    pages = {"live": health.liveness, "ready": health.readiness}
    return [path(f"{route}/{name}", page(look), name=f"molam_{name}") for name, look in pages.items()]


def webhook_view(receiver: WebhookReceiver) -> Callable[[HttpRequest], HttpResponseBase]:
    """A view that takes Molam's deliveries."""
    known_receivers.append(receiver)

    def receive(request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            body = _raw_body(request, receiver.max_bytes)
        except _UNREADABLE as error:
            return _Answered(_unreadable(receiver, request, error))
        later: list[Callable[[], None]] = []
        return _Answered(receiver.receive(request.headers, body, later=later.append), later)

    return _exempt(receive)


def webhook_view_async(receiver: WebhookReceiver) -> Callable[[HttpRequest], Awaitable[HttpResponseBase]]:
    """As ``webhook_view``, for ASGI: coroutine functions are awaited, the database is used in Django's thread."""
    known_receivers.append(receiver)

    async def receive(request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            body = _raw_body(request, receiver.max_bytes)
        except _UNREADABLE as error:
            return _Answered(_unreadable(receiver, request, error))
        later: list[Callable[[], None]] = []
        answer = await receiver.receive_async(request.headers, body, in_thread=_in_thread, later=later.append)
        return _Answered(answer, later)

    return _exempt(receive)


def _unreadable(receiver: WebhookReceiver, request: HttpRequest, error: Exception) -> WebhookAnswer:
    if isinstance(error, UnreadablePostError):  # Django's name for a connection that broke off
        return receiver.hung_up(request.headers)
    return receiver.unreadable(_TAKEN.format(error=error), request.headers)


def _in_thread(function: Callable[..., T], /, *args: Any) -> Awaitable[T]:
    return sync_to_async(function, thread_sensitive=True)(*args)


def _raw_body(request: HttpRequest, max_bytes: int) -> bytes:
    """The body as it was sent; nothing of one that says it is too long. Raises one of ``_UNREADABLE``."""
    return b"" if DeliveryHeaders(request.headers).content_length > max_bytes else request.body


class _Answered(HttpResponse):
    """The answer; once it was sent, what may wait until then runs in Django's own thread, on its connections."""

    def __init__(self, answer: WebhookAnswer, later: Sequence[Callable[[], None]] = ()) -> None:
        super().__init__(answer.body, status=answer.status, headers=dict(answer.headers))
        self._later = list(later)

    def close(self) -> None:
        """Called by the server when the last byte is out."""
        while self._later:
            self._later.pop()()
        super().close()


def _exempt(view: View) -> View:
    """No CSRF token, since the signature says who sent it; no request transaction, which would hide the claim."""
    view.csrf_exempt = True  # type: ignore[attr-defined]  # Django looks for this attribute on the function
    aliases: list[str] = list(connections)
    for alias in aliases:
        transaction.non_atomic_requests(alias)(view)
    return view
