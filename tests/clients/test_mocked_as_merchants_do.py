"""Tests as merchants write them: ``responses`` and ``requests_mock`` in front of the real client."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import requests
import requests_mock
import responses
from prometheus_client import CollectorRegistry
from responses import matchers

from molam_sdk import (
    APIError,
    ClientConfig,
    DeclinedError,
    MolamClient,
    MolamSyncClient,
    MolamTimeoutError,
    NetworkError,
    PaymentIntentCreate,
    ResponseError,
)

BASE = "https://sandbox.api.molam.io"
INTENTS = f"{BASE}/v1/connect/payment_intents"
INTENT = {
    "id": "pi_123",
    "status": "requires_confirmation",
    "amount": 100.5,
    "currency": "USD",
    "created_at": "2026-01-01T00:00:00Z",
}


@pytest.fixture(params=[MolamClient, MolamSyncClient])
def client(request: pytest.FixtureRequest) -> MolamClient:
    config = ClientConfig(api_key="sk_test_123", base_url=BASE, max_retries=1, retry_backoff_factor=0)
    options = {"registry": CollectorRegistry()} if request.param is MolamSyncClient else {}
    made: MolamClient = request.param(config, **options)
    return made


@responses.activate
def test_responses_answers_a_payment(client: MolamClient) -> None:
    responses.add(responses.POST, INTENTS, json=INTENT, status=201, headers={"X-Molam-Request-Id": "req_1"})
    intent = client.create_payment_intent(PaymentIntentCreate(amount=Decimal("100.50"), currency="USD"))
    assert (intent.id, intent.amount, intent.request_id) == ("pi_123", Decimal("100.5"), "req_1")
    request = responses.calls[0].request
    assert request.headers["Authorization"] == "Bearer sk_test_123"
    assert request.headers["Idempotency-Key"].startswith("pi-")
    assert json.loads(request.body or b"") == {"amount": 100.5, "currency": "USD", "capture": False, "metadata": {}}


@responses.activate
def test_responses_matches_on_body_headers_and_query(client: MolamClient) -> None:
    responses.add(
        responses.POST,
        INTENTS,
        json=INTENT | {"amount": 5000, "currency": "XOF"},
        match=[
            matchers.header_matcher({"Idempotency-Key": "order-7"}),
            matchers.json_params_matcher({"amount": 5000, "currency": "XOF"}, strict_match=False),
        ],
    )
    responses.add(responses.GET, INTENTS, json={"data": []}, match=[matchers.query_param_matcher({"limit": "2"})])
    client.create_payment_intent({"amount": 5000, "currency": "XOF"}, idempotency_key="order-7")
    assert list(client.list_payment_intents(limit=2)) == []


@responses.activate
def test_responses_declines(client: MolamClient) -> None:
    body = {"error": {"code": "card_declined", "message": "Your card was declined"}}
    responses.add(responses.POST, f"{INTENTS}/pi_1/confirm", json=body, status=402)
    with pytest.raises(DeclinedError, match="402 card_declined: Your card was declined") as caught:
        client.confirm_payment_intent("pi_1")
    assert isinstance(caught.value, APIError)
    assert (caught.value.status_code, caught.value.body) == (402, body)


@responses.activate
def test_responses_plays_a_retry(client: MolamClient) -> None:
    responses.add(responses.POST, INTENTS, status=503)
    responses.add(responses.POST, INTENTS, json=INTENT)
    assert client.create_payment_intent({"amount": 100.5, "currency": "USD"}).attempts == 2
    assert len({call.request.headers["Idempotency-Key"] for call in responses.calls}) == 1


# What a test raises from the double, the class the client makes of it, and what it may say of the money.
@pytest.mark.parametrize(
    ("raised", "kind", "outcome"),
    [
        (requests.ConnectTimeout(), MolamTimeoutError, "not_sent"),
        (requests.ReadTimeout(), MolamTimeoutError, "unknown"),
        (requests.Timeout(), MolamTimeoutError, "unknown"),
        (requests.ConnectionError("reset"), NetworkError, "unknown"),
        (requests.exceptions.SSLError("bad certificate"), NetworkError, "not_sent"),
        (requests.exceptions.ProxyError("no proxy"), NetworkError, "not_sent"),
        (requests.exceptions.ChunkedEncodingError("cut"), NetworkError, "unknown"),
        (requests.exceptions.ContentDecodingError("gzip"), ResponseError, "unknown"),
        (RuntimeError("the test's own"), NetworkError, "unknown"),
    ],
)
@responses.activate
def test_responses_raises(raised: Exception, kind: type[Exception], outcome: str, client: MolamClient) -> None:
    responses.add(responses.POST, INTENTS, body=raised)
    with pytest.raises(kind) as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="order-7")
    assert type(caught.value) is kind
    assert getattr(caught.value, "outcome", None) == outcome
    assert getattr(caught.value, "idempotency_key", None) == "order-7"
    assert caught.value.__cause__ is raised


@responses.activate
def test_responses_redirects_and_nothing_is_followed(client: MolamClient) -> None:
    responses.add(responses.POST, INTENTS, status=307, headers={"Location": "https://evil.example/"})
    with pytest.raises(APIError, match="307"):
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert len(responses.calls) == 1


@responses.activate
def test_responses_bodies_are_bounded_too() -> None:
    config = ClientConfig(api_key="sk_test_123", base_url=BASE, max_body_bytes=1000)
    responses.add(responses.GET, f"{INTENTS}/pi_1", body=b"x" * 1001)
    with pytest.raises(ResponseError, match="larger than 1000 bytes"):
        MolamClient(config).retrieve_payment_intent("pi_1")


def test_requests_mock_answers_a_payment(client: MolamClient) -> None:
    with requests_mock.Mocker() as mocker:
        mocker.post(INTENTS, json=INTENT, headers={"X-Request-ID": "req_2"})
        intent = client.create_payment_intent({"amount": "100.50", "currency": "USD"}, idempotency_key="order-7")
        assert (intent.id, intent.request_id) == ("pi_123", "req_2")
        assert mocker.last_request is not None
        assert mocker.last_request.json()["amount"] == 100.5
        assert mocker.last_request.headers["Idempotency-Key"] == "order-7"


def test_requests_mock_fails(client: MolamClient) -> None:
    with requests_mock.Mocker() as mocker:
        mocker.post(INTENTS, exc=requests.exceptions.ConnectTimeout)
        with pytest.raises(MolamTimeoutError) as caught:
            client.create_payment_intent({"amount": 100.5, "currency": "USD"})
        assert (caught.value.outcome, caught.value.attempts) == ("not_sent", 2)


def test_a_fixture_of_requests_mock_works_as_well(client: MolamClient, requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{INTENTS}/pi_123", json=INTENT)
    assert client.retrieve_payment_intent("pi_123").id == "pi_123"
