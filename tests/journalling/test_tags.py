"""Objects that carry the tag of their entry: sent in their metadata, and found by it again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from molam_sdk import MolamError, RequestValidationError
from molam_sdk.testing import reply
from molam_sdk.webhooks.event import parse_event
from tests.journalling.conftest import Shop
from tests.support.script import INTENT, TIMEOUT

HEAD = {"X-Molam-Request-Id": "req_1"}


def metadata_of(request: Any) -> dict[str, Any]:
    return json.loads(request.body).get("metadata", {})  # type: ignore[no-any-return]


def test_a_tag_is_sent_only_where_it_was_asked_for(shop: Shop) -> None:
    sent = []
    for tags in (False, True):
        transport = shop.open(reply(200, INTENT, HEAD), journal_tag=tags)
        shop.pay(f"order-{tags}")
        sent.append(metadata_of(transport.requests[0]))
    assert sent[0] == {}
    assert list(sent[1]) == ["molam_entry"]


def test_the_same_call_has_the_same_bytes_in_every_process(shop: Shop) -> None:
    first = shop.open(TIMEOUT, journal_tag=True)
    with pytest.raises(MolamError):
        shop.pay()
    second = shop.open(TIMEOUT, reply(200, INTENT, HEAD), journal_tag=True)
    with pytest.raises(MolamError):
        shop.pay()
    shop.caller.call("resolve", "order-7")
    bodies = {request.body for request in (*first.requests, *second.requests)}
    assert len(bodies) == 1
    assert shop.bench.entry().state == "done"


def test_a_payment_in_doubt_is_settled_by_the_event_that_carries_its_tag(shop: Shop) -> None:
    from molam_sdk.journal.events import judge_by, names_in

    transport = shop.open(TIMEOUT, journal_tag=True)
    with pytest.raises(MolamError):
        shop.pay()
    data = INTENT | {"metadata": metadata_of(transport.requests[0])}
    event = parse_event(json.dumps({"id": "evt_1", "type": "payment.created", "data": data}).encode())
    assert shop.bench.store.hear(names_in(event), judge_by(event)) == 1
    transport = shop.open(journal_tag=True)
    assert (shop.pay().id, transport.requests) == ("pi_1", [])


@pytest.mark.parametrize("tags", [True, False])
def test_a_tag_that_was_copied_from_another_object_is_refused(shop: Shop, tags: bool) -> None:
    transport = shop.open(journal_tag=tags)
    order = {"amount": 5, "currency": "USD", "metadata": {"molam_entry": "of another"}}
    with pytest.raises(RequestValidationError, match="molam_entry is the SDK's own"):
        shop.caller.call("create_payment_intent", order, idempotency_key="order-7")
    assert (transport.requests, shop.listed()) == ([], [])
