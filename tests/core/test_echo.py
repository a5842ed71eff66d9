"""Whether an answer is about what was asked: the rows of every operation, and what a call makes of a stray answer."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import MolamClient, ResponseError
from molam_sdk._core import operations as api
from molam_sdk._core.echo import NOTHING
from molam_sdk._core.invocation import Invocation
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.script import INTENT, OK, client_of

REFUND = {"id": "re_1", "payment_id": "pi_1", "amount": 5, "currency": "USD", "status": "pending"}
PAYOUT = {"id": "po_1", "amount": 5, "currency": "USD", "status": "pending"}
ENDPOINT = {"id": "we_1", "url": "https://shop.test/hooks"}
MERCHANT = {"id": "mer_1", "status": "new", "business_name": "Chez Awa", "country": "SN", "email": "awa@shop.test"}
STRAY = reply(201, INTENT | {"id": "pi_stray", "amount": 5}, {"X-Molam-Request-Id": "req_other"})

CREATE = api.create_payment_intent({"amount": "100.50", "currency": "usd", "customer_id": "cus_1"}, "k", None)
REFUNDING = api.create_refund({"payment_id": "pi_1", "amount": 5}, "k")
PAYING_OUT = api.create_payout(
    {"amount": 5, "currency": "USD", "beneficiary": "b", "origin_module": "m", "origin_entity": "e"}, "k", None
)
ONBOARDING = api.create_merchant_onboarding(
    {
        "business_name": "Chez Awa",
        "business_type": "shop",
        "country": "sn",
        "email": "Awa@shop.test",
        "currency": "XOF",
    },
    "k",
    None,
)
HOOK = api.create_webhook_endpoint(
    {"tenant_type": "t", "tenant_id": "1", "url": "https://shop.test/hooks", "events": ["payment.created"]}, "k"
)
OF_CUSTOMER = api.list_payment_intents({"customer_id": "cus_1", "limit": 2})
OF_PAYMENT = api.list_refunds({"payment_id": "pi_1"})


def mismatch(invocation: Invocation[Any], body: Any) -> str | None:
    return invocation.mismatch(invocation.operation.parse(reply(200, body)))


@pytest.mark.parametrize(
    ("invocation", "body"),
    [
        (CREATE, INTENT),
        (CREATE, INTENT | {"customer_id": "cus_1"}),
        (CREATE, INTENT | {"amount": 100.50, "currency": "usd"}),
        (CREATE, INTENT | {"amount": "100.500"}),
        (CREATE, INTENT | {"id": "intent-of-a-mock"}),
        (api.retrieve_payment_intent("pi_1"), INTENT),
        (api.retrieve_payment_intent("pi 1/é"), INTENT | {"id": "pi 1/é"}),
        (api.capture_payment_intent("pi_1", 5, "k"), INTENT),
        (REFUNDING, REFUND),
        (api.create_refund({"payment_id": "pi_1"}, "k"), REFUND),
        (PAYING_OUT, PAYOUT),
        (ONBOARDING, MERCHANT),
        (ONBOARDING, {"id": "mer_1", "status": "new"}),
        (HOOK, ENDPOINT),
        (OF_CUSTOMER, {"data": [INTENT | {"customer_id": "cus_1"}, INTENT]}),
        (OF_CUSTOMER, {"data": []}),
        (OF_PAYMENT, {"data": [REFUND]}),
        (api.retrieve_balance("usd"), {"data": [{"currency": "USD", "available": 1, "pending": 0}]}),
        (api.get("/v1/x", {"customer_id": "cus_1"}), {"customer_id": "cus_2"}),
    ],
)
def test_what_was_asked_for_is_taken(invocation: Invocation[Any], body: Any) -> None:
    assert mismatch(invocation, body) is None


@pytest.mark.parametrize(
    ("invocation", "body", "why"),
    [
        (CREATE, INTENT | {"amount": 5}, "amount 100.5 was asked for, 5 came"),
        (CREATE, INTENT | {"currency": "EUR"}, "currency USD was asked for, EUR came"),
        (CREATE, INTENT | {"customer_id": "cus_2"}, "customer_id cus_1 was asked for, cus_2 came"),
        (CREATE, INTENT | {"id": "po_1"}, "an id pi_… was due, po_1 came"),
        (api.retrieve_payment_intent("pi_1"), INTENT | {"id": "pi_2"}, "id pi_1 was asked for, pi_2 came"),
        (api.retrieve_payment_intent("pi_a"), INTENT | {"id": "pi_A"}, "id pi_a was asked for, pi_A came"),
        (api.confirm_payment_intent("pi_2", None, "k"), INTENT, "id pi_2 was asked for, pi_1 came"),
        (api.capture_payment_intent("pi_2", None, "k"), INTENT, "id pi_2 was asked for, pi_1 came"),
        (api.cancel_payment_intent("pi_2", "k"), INTENT, "id pi_2 was asked for, pi_1 came"),
        (REFUNDING, REFUND | {"payment_id": "pi_2"}, "payment_id pi_1 was asked for, pi_2 came"),
        (REFUNDING, REFUND | {"amount": 6}, "amount 5 was asked for, 6 came"),
        (api.retrieve_refund("re_2"), REFUND, "id re_2 was asked for, re_1 came"),
        (PAYING_OUT, PAYOUT | {"amount": "5.01"}, "amount 5 was asked for, 5.01 came"),
        (PAYING_OUT, INTENT | {"amount": 5}, "an id po_… was due, pi_1 came"),
        (api.retrieve_payout("po_2"), PAYOUT, "id po_2 was asked for, po_1 came"),
        (ONBOARDING, MERCHANT | {"email": "x@y.test"}, "email Awa@shop.test was asked for, x@y.test came"),
        (HOOK, ENDPOINT | {"url": "https://evil.test/"}, "url https://shop.test/hooks was asked for, https://evil"),
        (OF_CUSTOMER, {"data": [INTENT | {"customer_id": "cus_2"}]}, "customer_id cus_1 was asked for, cus_2 came"),
        (OF_PAYMENT, {"data": [REFUND, REFUND | {"payment_id": "pi_2"}]}, "payment_id pi_1 was asked for, pi_2 came"),
        (CREATE, INTENT | {"currency": "x\x1b" + "y" * 999}, r"currency USD was asked for, x\\x1by{55}… came"),
    ],
)
def test_what_differs_is_named(invocation: Invocation[Any], body: Any, why: str) -> None:
    found = mismatch(invocation, body)
    assert found is not None
    assert found.startswith(why.partition("{")[0].replace("\\\\", "\\"))
    assert len(found) < 200


def test_every_operation_that_names_an_object_or_a_price_checks_it() -> None:
    unchecked = {operation.name for operation in api.OPERATIONS if operation.echo is NOTHING}
    assert unchecked == {"list_payouts", "list_webhook_endpoints", "delete_webhook_endpoint", "get", "post"}


LABELLED = api.create_payment_intent(
    {
        "amount": 5,
        "currency": "USD",
        "description": "Panier n° 7 & café – Awa",
        "metadata": {"order_id": "A-7", "shop": 12, "big": 10**18, "gift": True, "to": {"name": "Awa"}},
    },
    "k",
    None,
)
FIVE = INTENT | {"amount": 5}
TO_AWA = api.create_payout(
    {
        "amount": 5,
        "currency": "USD",
        "beneficiary": {"iban": "SN08 1234", "name": "Awa"},
        "origin_module": "shop",
        "origin_entity": "SN",
    },
    "k",
    None,
)
NOTED = api.create_refund({"payment_id": "pi_1", "metadata": {"n": "1"}}, "k")
MOLAMS = {"X-Molam-Request-Id": "req_1"}


def mismatch_in(invocation: Invocation[Any], body: Any, headers: dict[str, str]) -> str | None:
    return invocation.mismatch(invocation.operation.parse(reply(200, body)), headers)


@pytest.mark.parametrize(
    ("invocation", "body", "what"),
    [
        (LABELLED, FIVE | {"metadata": {"order_id": "A-8"}}, "metadata"),
        (LABELLED, FIVE | {"metadata": {"order_id": "A-7", "shop": 13}}, "metadata"),
        (LABELLED, FIVE | {"metadata": {"order_id": "A-7", "shop": "13"}}, "metadata"),
        (LABELLED, FIVE | {"metadata": {"to": {"name": "Ami"}}}, "metadata"),
        (LABELLED, FIVE | {"description": "Panier n° 8 & café – Awa"}, "description"),
        (LABELLED, FIVE | {"description": "Panier n° 7"}, "description"),
        (TO_AWA, PAYOUT | {"beneficiary": {"iban": "SN08 9999"}}, "beneficiary"),
        (TO_AWA, PAYOUT | {"origin_entity": "CI"}, "origin_entity"),
        (PAYING_OUT, PAYOUT | {"beneficiary": "another"}, "beneficiary"),
        (NOTED, REFUND | {"metadata": {"n": "2"}}, "metadata"),
    ],
)
def test_an_answer_at_the_same_price_is_known_by_its_words(invocation: Invocation[Any], body: Any, what: str) -> None:
    assert mismatch_in(invocation, body, MOLAMS) == f"another {what} came than was asked for"
    for mock in ({}, {"X-Request-ID": "req_1"}):  # a merchant's mock, or anybody's
        assert mismatch_in(invocation, body, mock) is None


@pytest.mark.parametrize(
    "kept",
    [
        {"metadata": {}, "description": None},
        {"metadata": {"order_id": " a-7 ", "shop": "12", "gift": "true", "more": "x", "to": None}},
        {"metadata": {"big": 1000000000000000128, "to": "Awa"}},
        {"metadata": {"order_id": "*****"}},
        {"description": "Panier n&#176; 7 &amp; caf&eacute; - Awa"},
        {"description": "Panier n° 7 & cafe\u0301 – Awa"},
        {"description": "Panier…"},
        {"description": "😀"},
    ],
)
def test_what_a_server_may_make_of_a_text_is_no_other(kept: dict[str, Any]) -> None:
    assert mismatch_in(LABELLED, FIVE | kept, MOLAMS) is None


def test_a_long_text_may_come_back_shortened() -> None:
    long = "Commande 2026-11-21 de la boutique de Dakar"
    asked = api.create_payment_intent({"amount": 5, "currency": "USD", "description": long}, "k", None)
    assert mismatch_in(asked, FIVE | {"description": long[:30]}, MOLAMS) is None
    assert mismatch_in(asked, FIVE | {"description": long[:29] + "X"}, MOLAMS) is not None


@pytest.mark.parametrize("status", [201, 302, 402, 404, 500])
def test_an_answer_under_another_key_is_another_requests_whatever_it_says(status: int) -> None:
    body = INTENT if status == 201 else {"error": {"code": "card_declined", "message": "no"}}
    transport = Discarding(reply(status, body, MOLAMS | {"Idempotency-Key": "other"}), OK)
    intent = client_of(transport).create_payment_intent({"amount": "100.50", "currency": "USD"}, idempotency_key="k")
    assert (intent.id, intent.attempts, transport.discarded) == ("pi_1", 2, 1)


@pytest.mark.parametrize("repeated", ["k", '"k"', ""])
def test_an_answer_under_the_same_key_is_taken(repeated: str) -> None:
    client = client_of(ScriptedTransport(reply(201, INTENT, MOLAMS | {"Idempotency-Key": repeated})))
    sent = {"amount": "100.50", "currency": "USD"}
    assert client.create_payment_intent(sent, idempotency_key="k").attempts == 1


def test_a_read_has_no_key_to_be_repeated() -> None:
    client = client_of(ScriptedTransport(reply(200, INTENT, MOLAMS | {"Idempotency-Key": "of its making"})))
    assert client.retrieve_payment_intent("pi_1").attempts == 1


class Discarding(ScriptedTransport):
    discarded = 0

    def discard_connections(self) -> None:
        self.discarded += 1


def test_a_stray_answer_is_not_taken_and_its_connections_are_closed() -> None:
    transport = Discarding(STRAY, OK)
    intent = client_of(transport).create_payment_intent({"amount": "100.50", "currency": "USD"}, idempotency_key="k")
    assert (intent.id, intent.attempts, transport.discarded) == ("pi_1", 2, 1)
    assert len({(sent.body, sent.headers["Idempotency-Key"]) for sent in transport.requests}) == 1


@pytest.mark.parametrize("transport", [Discarding(STRAY), ScriptedTransport(STRAY)], ids=["a pool", "none"])
def test_stray_answers_to_the_end_leave_the_outcome_unknown(transport: ScriptedTransport) -> None:
    client: MolamClient = client_of(transport, max_retries=0)
    with pytest.raises(ResponseError, match=r"another request: amount 100\.5 was asked for, 5 came") as caught:
        client.create_payment_intent({"amount": "100.50", "currency": "USD"})
    assert (caught.value.outcome, caught.value.status_code) == ("unknown", 201)
    transport.script = [OK]
    assert client.resolve(caught.value).id == "pi_1"


def test_a_balance_of_another_currency_is_none() -> None:
    body = {"data": [{"currency": "EUR", "available": 1, "pending": 0}]}
    assert mismatch(api.retrieve_balance("USD"), body) == "currency USD was asked for, EUR came"


@pytest.mark.parametrize(
    ("invocation", "not_yet", "done"),
    [
        (api.confirm_payment_intent("pi_1", None, "k"), ["requires_confirmation"], "requires_capture"),
        (api.capture_payment_intent("pi_1", None, "k"), ["requires_confirmation", "requires_capture"], "succeeded"),
        (api.cancel_payment_intent("pi_1", "k"), ["requires_confirmation", "requires_capture"], "canceled"),
    ],
)
def test_the_answer_to_an_earlier_step_of_the_same_payment_is_not_taken(
    invocation: Invocation[Any], not_yet: list[str], done: str
) -> None:
    def found(status: str, *, is_molams: bool = True) -> str | None:
        answer = invocation.operation.parse(reply(200, INTENT | {"status": status}))
        return invocation.mismatch(answer, {"X-Molam-Request-Id": "req_1"} if is_molams else {})

    assert [found(status) for status in not_yet] == [f"the status is still {status}" for status in not_yet]
    assert [found(status) for status in (done, "a_status_of_tomorrow")] == [None, None]
    assert [found(status, is_molams=False) for status in not_yet] == [None] * len(not_yet)


@pytest.mark.parametrize(
    ("asked", "captured", "why"),
    [
        (50, 50, None),
        ("50.00", "50.0", None),
        (50, 60, "amount_captured 60 is not what was asked for"),
        (50, None, None),
        (None, "100.50", None),
        (None, 60, "amount_captured 60 is not what was asked for"),
        (None, None, None),
    ],
)
def test_the_answer_to_a_capture_of_another_amount_is_not_taken(asked: Any, captured: Any, why: str | None) -> None:
    invocation = api.capture_payment_intent("pi_1", asked, "k")
    body = INTENT | {"status": "succeeded", "amount_captured": captured}
    assert mismatch_in(invocation, body, MOLAMS) == why
    assert mismatch_in(invocation, body, {}) is None
    assert mismatch_in(invocation, body | {"status": "processing"}, MOLAMS) is None


@pytest.mark.parametrize(
    ("invocation", "document", "why"),
    [
        (REFUNDING, INTENT, "an id re_… was due, pi_1 came"),
        (api.capture_payment_intent("pi_1", None, "k"), {"id": "pi_2"}, "id pi_1 was asked for, pi_2 came"),
        (api.capture_payment_intent("pi_1", None, "k"), {"id": "pi_1"}, None),
        (REFUNDING, {"data": [], "has_more": False}, "one object was due, a list came"),
        (REFUNDING, {"data": "x"}, None),
        (REFUNDING, {"id": 7}, None),
        (REFUNDING, {"id": "re_7"}, None),
        (REFUNDING, {}, None),
        (REFUNDING, "a page", None),
        (OF_PAYMENT, {"data": [{"id": "pi_1"}]}, None),
        (ONBOARDING, {"id": "pi_1"}, None),
    ],
)
def test_an_object_that_cannot_be_read_may_still_be_known_for_anothers(
    invocation: Invocation[Any], document: Any, why: str | None
) -> None:
    assert invocation.names_another(document) == why


@pytest.mark.parametrize(
    ("headers", "outcome", "discarded"), [(MOLAMS, "unknown", 1), ({}, "unknown", 0)], ids=["Molam's", "anybody's"]
)
def test_a_payment_s_answer_is_no_evidence_of_a_refund(headers: dict[str, str], outcome: str, discarded: int) -> None:
    transport = Discarding(reply(201, INTENT, headers))
    with pytest.raises(ResponseError) as caught:
        client_of(transport, max_retries=0).create_refund({"payment_id": "pi_1", "amount": 5})
    assert (caught.value.outcome, transport.discarded) == (outcome, discarded)


def test_a_create_answered_twice_does_not_confirm_the_payment() -> None:
    molams = {"X-Molam-Request-Id": "req_1"}
    created = reply(201, INTENT | {"status": "requires_confirmation"}, molams)
    confirmed = reply(200, INTENT | {"status": "succeeded"}, molams)
    transport = Discarding(created, confirmed)
    intent = client_of(transport).confirm_payment_intent("pi_1")
    assert (intent.status, intent.attempts, transport.discarded) == ("succeeded", 2, 1)
