"""Lists: every object once, one page in memory, and an error in between loses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import Page, PaymentIntent, RateLimitError, ResponseError
from molam_sdk._core.cursor import Cursor
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.script import INTENT, client_of, error_reply


def page(*ids: str, more: bool = False) -> Any:
    return reply(200, {"data": [INTENT | {"id": each} for each in ids], "has_more": more})


def paths(transport: ScriptedTransport) -> list[str]:
    return [request.url.partition("payment_intents")[2] for request in transport.requests]


def test_it_goes_over_all_pages_in_order() -> None:
    transport = ScriptedTransport(page("a", "b", more=True), page("c", more=True), page("d"))
    listed = client_of(transport).list_payment_intents(limit=2, status="succeeded")
    assert [intent.id for intent in listed] == ["a", "b", "c", "d"]
    assert paths(transport) == [
        "?limit=2&status=succeeded",
        "?limit=2&starting_after=b&status=succeeded",
        "?limit=2&starting_after=c&status=succeeded",
    ]


def test_nothing_is_asked_before_it_is_wanted() -> None:
    transport = ScriptedTransport(page("a", more=True))
    listed = client_of(transport).list_payment_intents()
    assert transport.requests == []
    assert next(listed).id == "a"
    assert len(transport.requests) == 1


def test_the_page_at_hand_is_reachable_with_its_response() -> None:
    listed = client_of(ScriptedTransport(page("a", "b"))).list_payment_intents()
    assert [intent.id for intent in listed.page.data] == ["a", "b"]
    assert listed.page.attempts == 1
    assert [intent.id for intent in listed] == ["a", "b"]


def test_page_by_page() -> None:
    transport = ScriptedTransport(page("a", more=True), page("b"))
    assert [[i.id for i in each.data] for each in client_of(transport).list_payment_intents().pages()] == [["a"], ["b"]]


def test_an_empty_list_is_empty() -> None:
    assert list(client_of(ScriptedTransport(page())).list_payment_intents()) == []


def test_a_list_without_has_more_has_no_further_page() -> None:
    transport = ScriptedTransport(reply(200, {"data": [INTENT]}))
    assert len(list(client_of(transport).list_payment_intents())) == 1


def test_after_a_429_the_same_iterator_goes_on_where_it_stood() -> None:
    transport = ScriptedTransport(page("a", "b", more=True), error_reply(429), page("c"))
    listed = client_of(transport, max_retries=0).list_payment_intents()
    assert [next(listed).id, next(listed).id] == ["a", "b"]
    with pytest.raises(RateLimitError):
        next(listed)
    assert [intent.id for intent in listed] == ["c"]


def test_a_server_that_sends_the_same_page_for_ever_is_found_out() -> None:
    listed = client_of(ScriptedTransport(page("a", more=True), page("a", more=True))).list_payment_intents()
    with pytest.raises(ResponseError, match="does not move on from 'a'"):
        list(listed)


@pytest.mark.parametrize(
    ("before", "circle", "requests"),
    [("", "ab", 3), ("", "abc", 6), ("x", "ab", 5), ("xy", "abc", 6), ("xyz", "a", 5), ("", "abcdefghi", 24)],
)
def test_a_server_that_leads_round_in_a_circle_is_found_out(before: str, circle: str, requests: int) -> None:
    transport = ScriptedTransport(*(page(last, more=True) for last in before + circle * 30))
    with pytest.raises(ResponseError, match=r"the list does not move on from '\w': the server leads round in a circle"):
        list(client_of(transport).list_payment_intents())
    assert len(transport.requests) == requests


def test_a_long_list_is_no_circle() -> None:
    pages = (page(f"pi_{number}", more=number < 199) for number in range(200))
    assert len(list(client_of(ScriptedTransport(*pages)).list_payment_intents())) == 200


def test_a_page_that_goes_on_from_nothing_is_found_out() -> None:
    with pytest.raises(ResponseError, match="no last id"):
        list(client_of(ScriptedTransport(page(more=True))).list_payment_intents())


def test_starting_after_is_where_the_list_begins() -> None:
    transport = ScriptedTransport(page("z"))
    list(client_of(transport).list_payment_intents(starting_after="y"))
    assert paths(transport) == ["?starting_after=y"]


def test_a_cursor_without_a_page_has_nothing_to_give() -> None:
    cursor: Cursor[PaymentIntent] = Cursor({})
    assert cursor.take() is None
    assert not cursor.exhausted
    cursor.turn_to(Page[PaymentIntent](data=[]))
    assert cursor.exhausted


def test_the_other_lists_page_the_same_way() -> None:
    refund = {"id": "re_1", "payment_id": "pi_1", "amount": 1, "currency": "USD", "status": "succeeded"}
    payout = {"id": "po_1", "amount": 1, "currency": "USD", "status": "completed"}
    hook = {"id": "we_1", "url": "https://x.example"}
    transport = ScriptedTransport(*(reply(200, {"data": [each]}) for each in (refund, payout, hook)))
    client = client_of(transport)
    ids = [next(client.list_refunds(payment_id="pi_1")).id, next(client.list_payouts()).id]
    assert [*ids, next(client.list_webhook_endpoints(tenant_id="m")).id] == ["re_1", "po_1", "we_1"]
