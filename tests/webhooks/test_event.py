"""Events: typed, and still the dict that merchants read."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamClient, PaymentIntent, Payout, Refund, WebhookVerificationError
from molam_sdk.webhooks import (
    AnyWebhookEvent,
    DisputeEvent,
    PaymentEvent,
    PayoutEvent,
    RefundEvent,
    UnknownEvent,
    canonical_type,
    construct_event,
    sign,
)
from tests.support.webhooks.deliveries import NOW, PAYMENT, SECRET, SECRETS, body_of

REFUND = {"id": "re_1", "payment_id": "pi_1", "amount": 0.1, "currency": "USD", "status": "succeeded"}
PAYOUT = {"id": "po_1", "amount": 5000, "currency": "XOF", "status": "completed"}


def event_of(body: bytes) -> AnyWebhookEvent:
    return construct_event(body, sign(body, SECRET, now=NOW), SECRETS, now=NOW)


@pytest.mark.parametrize(
    ("event_type", "data", "cls", "model"),
    [
        ("payment.succeeded", PAYMENT, PaymentEvent, PaymentIntent),
        ("payment.intent.succeeded", PAYMENT, PaymentEvent, PaymentIntent),
        ("refund.failed", REFUND, RefundEvent, Refund),
        ("payment.refund.succeeded", REFUND, RefundEvent, Refund),
        ("payout.paid", PAYOUT, PayoutEvent, Payout),
        ("dispute.created", {"id": "dp_1"}, DisputeEvent, dict),
        ("payment.sparkled", PAYMENT, UnknownEvent, dict),
        ("", {}, UnknownEvent, dict),
    ],
)
def test_the_type_decides_the_class_and_the_model(event_type: str, data: Any, cls: type, model: type) -> None:
    event = event_of(body_of(event_type, data))
    assert type(event) is cls
    assert event.type == event_type
    assert isinstance(event.data, model)


def test_an_event_reads_like_the_dict_it_used_to_be() -> None:
    event = event_of(body_of())
    assert isinstance(event, dict)
    assert event["data"]["amount"] == 100.5
    assert event.get("nothing") is None
    assert event == json.loads(json.dumps(event)) == json.loads(body_of())


def test_amounts_of_the_model_are_exact() -> None:
    assert event_of(body_of("refund.succeeded", REFUND)).data.amount == Decimal("0.1")
    assert event_of(body_of("payment.succeeded", {**PAYMENT, "amount": 123456789.01})).data.amount == Decimal(
        "123456789.01"
    )


def test_the_model_is_made_once() -> None:
    event = event_of(body_of())
    assert event.data is event.data


def test_unknown_fields_and_statuses_stay() -> None:
    event = event_of(body_of(data={**PAYMENT, "status": "sparkling", "colour": "red"}, sparkle=True))
    assert isinstance(event, PaymentEvent)
    assert event.data.status == "sparkling"
    assert event.data.model_extra == {"colour": "red"}
    assert event["sparkle"] is True


def test_data_that_is_no_payment_passes_as_a_dict_and_fails_as_a_payment() -> None:
    event = event_of(body_of(data={"id": "pi_1"}))
    assert event["data"] == {"id": "pi_1"}
    with pytest.raises(WebhookVerificationError, match=r"no PaymentIntent \(amount, currency, status\)"):
        _ = event.data


@pytest.mark.parametrize("data", [None, [], 7, "text"])
def test_data_of_another_shape_does_no_harm(data: Any) -> None:
    event = event_of(body_of(data=data))
    assert event.object_id is None
    with pytest.raises(WebhookVerificationError, match="Invalid JSON payload"):
        _ = event.data


@pytest.mark.parametrize(
    ("created", "moment"),
    [
        (1_800_000_000, datetime(2027, 1, 15, 8, tzinfo=timezone.utc)),
        (1_800_000_000_500, datetime(2027, 1, 15, 8, 0, 0, 500_000, tzinfo=timezone.utc)),
        (1_800_000_000_500_000_000, datetime(2027, 1, 15, 8, 0, 0, 500_000, tzinfo=timezone.utc)),
        (1_800_000_000.5, datetime(2027, 1, 15, 8, 0, 0, 500_000, tzinfo=timezone.utc)),
        ("2027-01-15T08:00:00Z", datetime(2027, 1, 15, 8, tzinfo=timezone.utc)),
        ("2027-01-15T09:00:00.000+01:00", datetime(2027, 1, 15, 8, tzinfo=timezone.utc)),
        ("2027-01-15T08:00:00", datetime(2027, 1, 15, 8, tzinfo=timezone.utc)),
        (None, None),
        ("yesterday", None),
        (True, None),
        (1e300, None),
        ([], None),
    ],
)
def test_created_is_a_moment_or_none(created: Any, moment: datetime | None) -> None:
    assert event_of(body_of(created=created)).created == moment


def test_attributes_beside_the_dict() -> None:
    event = event_of(body_of(livemode=False))
    assert (event.id, event.type, event.object_id, event.livemode) == ("evt_1", "payment.succeeded", "pi_1", False)
    assert event_of(body_of()).livemode is None
    assert event_of(b"{}").id == ""


def test_an_event_survives_a_queue() -> None:
    event = event_of(body_of())
    for twin in (pickle.loads(pickle.dumps(event)), copy.copy(event), copy.deepcopy(event)):
        assert twin == event
        assert type(twin) is PaymentEvent
        assert (twin.id, twin.data) == ("evt_1", event.data)


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b'"text"', b"7", b"null", b"{", b'{"a":NaN}', b"\xff", b"{}x"])
def test_a_signed_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookVerificationError, match="Invalid JSON payload") as caught:
        event_of(body)
    assert caught.value.reason == "no_event"


CUT = b'{"id":"evt_1","type":"payment.succeeded","data":{"id":"pi_1","status":"succeeded","amount":5,"currency":"USD",'


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (CUT + b'"description":"hi \\ud83d"}}', "hi \ufffd"),
        (CUT + b'"description":"hi \\uD83D\\ude00 \\udE00"}}', "hi \U0001f600 \ufffd"),
        (CUT + b'"description":"a \\\\ud83d, \\ud83d"}}', "a \\ud83d, \ufffd"),
        (b"\xef\xbb\xbf" + CUT + b'"description":"after a mark"}}', "after a mark"),
        (CUT + b'"metadata":{"a":' + b"[" * 300 + b"]" * 300 + b'},"description":"deep"}}', "deep"),
        (CUT + b'"metadata":{"a":' + b"9" * 5000 + b'},"description":"long"}}', "long"),
        (CUT + b'"metadata":{"a":1e999},"description":"large"}}', "large"),
        (CUT + b'"description":"first","description":"last"}}', "last"),
        (b"\xef\xbb\xbf" + CUT + b'"description":"first","description":"last"}}', "last"),
        (b" \r\n\t" + CUT + b'"description":"in spaces"}} \n', "in spaces"),
    ],
)
def test_what_molam_signed_is_read_also_where_a_strict_reader_would_refuse_it(body: bytes, read: str) -> None:
    event = event_of(body)
    assert (event["data"]["description"], event.data.description) == (read, read)
    assert event.data.amount == 5
    event.data.description.encode()


def test_numbers_beyond_pythons_bounds_are_decimals() -> None:
    event = event_of(b'{"id":"evt_1","a":' + b"9" * 5000 + b',"b":-1e400,"c":12,"d":0.5}')
    assert event["a"] == Decimal("9" * 5000)
    assert (event["b"], event["c"], event["d"]) == (Decimal("-1e400"), 12, 0.5)
    assert (type(event["b"]), type(event["c"]), type(event["d"])) == (Decimal, int, float)


def test_the_present_state_of_an_object_stands_beside_what_was_sent() -> None:
    event = event_of(body_of())
    event.late = True
    renewed = event.with_data(PaymentIntent.model_validate({**PAYMENT, "status": "canceled"}))
    assert (renewed.data.status, renewed["data"]["status"], event.data.status) == ("canceled", "succeeded", "succeeded")
    assert (type(renewed), renewed.late, renewed) == (PaymentEvent, True, event)


def test_the_signature_is_looked_at_before_the_body() -> None:
    with pytest.raises(WebhookVerificationError, match="Signature mismatch"):
        construct_event(b"no json", sign(b"another", SECRET, now=NOW), SECRETS, now=NOW)


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("payment.intent.succeeded", "payment.succeeded"),
        ("payment.refund.failed", "refund.failed"),
        ("payment.succeeded", "payment.succeeded"),
        ("payout.paid", "payout.paid"),
    ],
)
def test_long_names_have_a_short_one(long: str, short: str) -> None:
    assert canonical_type(long) == short


def test_the_client_verifies_too() -> None:
    body = body_of()
    with MolamClient(ClientConfig(api_key="sk_test_1", base_url="http://127.0.0.1:9")) as client:
        assert client.verify_webhook_signature(sign(body, SECRET), body, SECRETS.__getitem__)
        with pytest.raises(WebhookVerificationError, match="Missing Molam-Signature header"):
            client.verify_webhook_signature(None, body, SECRETS.__getitem__)


def test_data_that_its_model_cannot_read_is_refused_by_field_and_shown_where_it_is() -> None:
    event = event_of(body_of("payment.succeeded", {**PAYMENT, "amount": "x", "currency": None}))
    with pytest.raises(WebhookVerificationError) as caught:
        _ = event.data
    assert str(caught.value) == (
        "Invalid JSON payload: the data of this payment.succeeded is no PaymentIntent (amount, currency); "
        "event['data'] has what was sent"
    )


def test_a_body_that_is_no_json_is_refused_in_the_words_merchants_match() -> None:
    with pytest.raises(WebhookVerificationError, match=r"^Invalid JSON payload"):
        event_of(b"<html>")


@pytest.mark.parametrize(("seconds", "taken"), [(300, True), (300.5, False)])
def test_an_event_is_taken_within_five_minutes(seconds: float, taken: bool) -> None:
    body = body_of()
    header = sign(body, SECRET, now=NOW)
    if taken:
        assert construct_event(body, header, SECRETS, now=NOW + seconds)["id"]
        return
    with pytest.raises(WebhookVerificationError, match="timestamp outside tolerance of 300 seconds"):
        construct_event(body, header, SECRETS, now=NOW + seconds)
