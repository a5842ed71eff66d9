"""Events of the inbox as people and programs read them."""

from __future__ import annotations

import json
from dataclasses import replace

from molam_sdk.receiver.inbox.showing import line_of, page_of, readable_body, record_of
from molam_sdk.store.inbox import InboxEvent

BODY = b'{"id": "evt_1", "data": {"id": "pi_1", "card_number": "4242424242424242", "note": "\xc3\xa9"}}'
DEAD = InboxEvent(
    key="k" * 64,
    event_id="evt_1",
    event_type="payment.succeeded",
    state="dead",
    object_id="pi_1",
    in_order=False,
    created=1_800_000_000.0,
    first_seen=1_800_000_001.0,
    touched=1_800_000_002.0,
    attempts=3,
    due=None,
    lease_until=0.0,
    finished=("shop.pay",),
    last_error="Traceback (most recent call last):\n  …\nValueError: no order 7 for 4242424242424242\n",
    note=None,
    headers={"traceparent": "00-a-b-01"},
    body=BODY,
)


def test_a_line_says_what_became_of_it_and_why() -> None:
    line = line_of(DEAD)
    assert line.startswith(
        "dead      2027-01-15T08:00:01Z    3  payment.succeeded         evt_1  pi_1  ValueError: no order"
    )
    assert "4242424242424242" not in line
    assert line_of(replace(DEAD, state="resolved", note="shipped\nby hand")).endswith("shipped by hand")
    assert line_of(replace(DEAD, object_id=None, last_error=None)).endswith("evt_1  -")


def test_a_page_has_everything_and_hides_what_is_secret() -> None:
    page = page_of(DEAD)
    for said in (
        "state        dead",
        "attempts     3",
        "finished     shop.pay",
        '"note": "é"',
        "ValueError: no order 7",
    ):
        assert said in page
    assert "4242424242424242" not in page
    assert page_of(DEAD, raw=True).count("4242424242424242") == 2


def test_a_body_that_is_no_json_is_shown_as_it_is() -> None:
    assert readable_body(replace(DEAD, body=b"\xff not json")) == "\\xff not json"
    assert readable_body(replace(DEAD, body=b"[" * 100_000)).startswith("[[[")


def test_a_record_is_json_and_whole() -> None:
    record = json.loads(json.dumps(record_of(DEAD)))
    assert record["body"] == BODY.decode()
    assert (record["event_id"], record["state"], record["finished"]) == ("evt_1", "dead", ["shop.pay"])
    assert json.loads(json.dumps(record_of(replace(DEAD, body=b"\xff"))))["body_base64"] == "/w=="
