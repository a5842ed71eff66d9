"""The headers of a delivery, in every form that frameworks give them in, and what they tell of its body."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.webhooks.deliveries import body_of, delivery_of
from tests.support.webhooks.shop import Shop, told


@pytest.mark.parametrize(
    ("headers", "body", "message"),
    [
        (delivery_of(b"{}")[0], b"", "has read or changed it"),
        ({**delivery_of(b"{}")[0], "Content-Length": "9"}, b"{}", "The body has 2 bytes here, but 9 were sent"),
        (delivery_of(b"{}")[0], {"id": "evt_1"}, "was given a dict: it wants the raw body"),
        (delivery_of(b"{}")[0], None, "was given a NoneType"),
    ],
)
def test_a_body_that_something_took_is_a_500_so_that_molam_sends_it_again(
    shop: Shop, headers: Any, body: Any, message: str
) -> None:
    answer = shop.receiver.receive(headers, body)
    assert told(answer) == (500, "unreadable")
    assert message in json.loads(answer.body)["error"]


def test_a_body_that_broke_off_pages_nobody(shop: Shop) -> None:
    headers, body = delivery_of(body_of())
    assert told(shop.receiver.receive(headers, body[:-20])) == (400, "hung_up")


@pytest.mark.parametrize("headers", [{"content-length": "9"}, {"content-length": "9", "Molam-Signature": "t=1"}])
def test_a_strangers_request_without_its_body_pages_nobody(shop: Shop, headers: dict[str, str]) -> None:
    assert told(shop.receiver.receive(headers, b"")) == (400, "invalid")
    assert told(shop.receiver.unreadable("no body", headers)) == (400, "invalid")
    assert told(shop.receiver.unreadable("no body", delivery_of(b"")[0])) == (500, "unreadable")
    assert told(shop.receiver.unreadable("no body")) == (500, "unreadable")


@pytest.mark.parametrize(
    "form",
    [
        lambda headers: {name.lower(): value for name, value in headers.items()},
        lambda headers: {name.upper(): [value] for name, value in headers.items()},
        lambda headers: list(headers.items()),
        lambda headers: [(name.encode(), value.encode()) for name, value in headers.items()],
        lambda headers: [("X-Other", "1"), *headers.items()],
    ],
)
def test_headers_come_in_many_forms(shop: Shop, form: Any) -> None:
    headers, body = delivery_of(body_of())
    assert told(shop.receiver.receive(form(headers), body)) == (200, "handled")


def test_pairs_on_two_header_lines_count_as_one_header(shop: Shop) -> None:
    headers, body = delivery_of(body_of())
    lines = [("Molam-Signature", "t=1,v1=00,kid=2"), ("Molam-Signature", headers["Molam-Signature"])]
    assert told(shop.receiver.receive(lines, body)) == (200, "handled")
