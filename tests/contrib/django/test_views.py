"""The Django app: its views behind the CSRF middleware and ATOMIC_REQUESTS, its table, its command."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.webhooks.deliveries import NOW, body_of, delivery_of
from tests.support.webhooks.django_project import configure, migrated
from tests.support.webhooks.shop import Shop

configure()

from django.test import AsyncClient, Client  # noqa: E402
from django.test.utils import override_settings  # noqa: E402

from molam_sdk.contrib.django.models import ClaimedEvent  # noqa: E402
from tests.support.webhooks.django_urls import shop as django_shop  # noqa: E402


@pytest.fixture(autouse=True)
def shop() -> Iterator[Shop]:
    django_shop.seen, django_shop.failures, django_shop.now = [], 0, NOW
    with migrated():
        yield django_shop


def post(path: str, body: bytes, headers: dict[str, str]) -> Any:
    # Django's clients name the length themselves.
    extra = {name: value for name, value in headers.items() if name != "Content-Length"}
    kind: Any = AsyncClient if path == "/async-hooks" else Client
    answer = kind(enforce_csrf_checks=True).post(path, data=body, content_type="application/json", headers=extra)
    return asyncio.run(answer) if path == "/async-hooks" else answer


@pytest.fixture(params=["/hooks", "/async-hooks"])
def path(request: pytest.FixtureRequest) -> str:
    url: str = request.param
    return url


def test_a_delivery_is_handled_once_past_csrf_and_atomic_requests(path: str, shop: Shop) -> None:
    headers, body = delivery_of(body_of())
    assert [post(path, body, headers).json() for _ in range(2)] == [{"result": "handled"}, {"result": "duplicate"}]
    assert shop.seen == ["evt_1"]
    assert ClaimedEvent.objects.filter(event_id="order of evt_1").exists()


def test_a_failed_handler_leaves_nothing_in_the_database(path: str, shop: Shop) -> None:
    headers, body = delivery_of(body_of())
    shop.failures = 1
    assert post(path, body, headers).status_code == 500
    assert not ClaimedEvent.objects.filter(event_id="order of evt_1").exists()
    assert post(path, body, headers).json() == {"result": "handled"}
    assert ClaimedEvent.objects.filter(event_id="order of evt_1").exists()


def test_coroutine_functions_run_too(path: str, shop: Shop) -> None:
    headers, body = delivery_of(body_of("payout.paid"))
    assert post(path, body, headers).json() == {"result": "handled"}
    assert shop.seen == ["evt_1"]


def test_a_bad_signature_is_a_400(path: str) -> None:
    assert post(path, b"{}", {}).status_code == 400


def test_a_get_is_not_allowed(path: str) -> None:
    answer = Client().get(path) if path == "/hooks" else asyncio.run(AsyncClient().get(path))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


# Django's own limit is 2.5 MB: beyond it the body could not even be read.
@pytest.mark.parametrize("size", [2_000_000, 3_000_000])
def test_a_body_beyond_the_limit_is_refused(path: str, size: int) -> None:
    answer = post(path, b" " * size, {})
    assert (answer.status_code, answer.json()["result"]) == (400, "invalid")


def test_code_that_took_the_body_is_named() -> None:
    headers, body = delivery_of(body_of())
    answer = post("/read-before", body, headers)
    assert (answer.status_code, answer.json()["result"]) == (500, "unreadable")
    assert "request.read()" in answer.json()["error"]


def test_a_project_that_allows_less_than_was_sent_is_told() -> None:
    headers, body = delivery_of(body_of())
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10):
        answer = post("/hooks", body, headers)
    assert (answer.status_code, answer.json()["result"]) == (500, "unreadable")
