"""The OpenAPI document and the sandbox hold each other to their word; so do document, client and docs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis

from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.contract.openapi import document, magic_table
from molam_sdk.sandbox.domain.events import EVENT_TYPES
from molam_sdk.sandbox.operations.table import OPERATIONS
from tests.support.sandbox_api import ENDPOINTS, INTENTS, MERCHANT, ONBOARD, PAYOUT, PAYOUTS, REFUNDS, Api

BALANCE = "/v1/connect/balance"
DOCS = Path(__file__).parents[3] / "docs" / "sandbox.md"
VALIDATED: set[tuple[str, str]] = set()


@cache
def schema() -> Any:
    """Read when asked for: it takes a second, and every worker would take it when collecting."""
    return schemathesis.openapi.from_dict(document(OPERATIONS))


def valid(api: Api, method: str, template: str, answer: requests.Response) -> requests.Response:
    """The answer, which must be what the document says of this operation."""
    schema()[template][method].validate_response(answer)
    VALIDATED.add((method, template))
    return answer


def test_real_answers_are_what_the_document_says(api: Api, sandbox: Sandbox) -> None:
    full = {
        "amount": 12.5,
        "currency": "USD",
        "capture": True,
        "customer_id": "c1",
        "merchant_id": "m1",
        "description": "two books",
        "metadata": {"order_id": "A1", "n": 1.5},
        "return_url": "https://shop.example/back",
        "cancel_url": "https://shop.example/no",
        "payment_methods": ["wallet", "card"],
    }
    one, intents = INTENTS + "/{id}", INTENTS
    intent = valid(api, "POST", intents, api.post(intents, full)).json()
    valid(api, "GET", one, api.get(f"{intents}/{intent['id']}"))
    valid(api, "POST", one + "/confirm", api.act(intent, "confirm", {"payment_method": "card"}))
    valid(api, "POST", one + "/cancel", api.act(intent, "cancel"))
    held = api.intent()
    api.act(held, "confirm")
    valid(api, "POST", one + "/capture", api.act(held, "capture"))
    declined = api.intent(metadata={"sandbox": "fraud_blocked"})
    valid(api, "POST", one + "/confirm", api.act(declined, "confirm"))
    valid(api, "GET", one, api.get(f"{intents}/{declined['id']}"))
    refund = valid(api, "POST", REFUNDS, api.post(REFUNDS, {"payment_id": intent["id"], "reason": "returned"}))
    valid(api, "POST", REFUNDS, api.post(REFUNDS, {"payment_id": intent["id"]}))
    valid(api, "GET", REFUNDS + "/{id}", api.get(f"{REFUNDS}/{refund.json()['id']}"))
    api.paid(5, "XOF")
    payout = valid(api, "POST", PAYOUTS, api.post(PAYOUTS, {**PAYOUT, "description": "May"})).json()
    sandbox.clock.advance(minutes=1)
    valid(api, "GET", PAYOUTS + "/{id}", api.get(f"{PAYOUTS}/{payout['id']}"))
    valid(api, "POST", ONBOARD, api.post(ONBOARD, {**MERCHANT, "phone": "+221 77 000 00 00", "metadata": {"a": 1}}))
    hook = {"tenant_type": "merchant", "tenant_id": "1", "url": "http://127.0.0.1:9/hook", "events": ["*"]}
    endpoint = valid(api, "POST", ENDPOINTS, api.post(ENDPOINTS, hook)).json()
    valid(api, "POST", ENDPOINTS + "/{id}/rotate", api.post(f"{ENDPOINTS}/{endpoint['id']}/rotate"))
    for path in (intents, REFUNDS, PAYOUTS, ENDPOINTS):
        assert valid(api, "GET", path, api.get(path)).json()["data"]
    for query in ({}, {"currency": "XOF"}, {"currency": "xof"}):
        valid(api, "GET", BALANCE, api.get(BALANCE, **query))
    valid(api, "DELETE", ENDPOINTS + "/{id}", api.delete(f"{ENDPOINTS}/{endpoint['id']}"))
    unseen = {(operation.method, operation.path) for operation in OPERATIONS} - VALIDATED
    assert unseen == set(), "tests/sandbox/contract/test_openapi.py asks for no answer of these"


@pytest.mark.parametrize("wanted", ["flat", "legacy", "problem"])
def test_errors_in_every_shape_are_in_the_document(api: Api, wanted: str) -> None:
    valid(api, "POST", INTENTS, api.post(INTENTS, {}, headers={"Molam-Error-Format": wanted}))


def test_the_rate_limit_is_in_the_document() -> None:
    with Sandbox(rate=0.001) as sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        answers = [valid(api, "GET", INTENTS, api.get(INTENTS)).status_code for _ in range(2)]
        api.close()
    assert answers == [200, 429]


def test_every_event_and_body_is_in_the_document(sandbox: Sandbox) -> None:
    served = requests.get(sandbox.url + "/openapi.json", timeout=30).json()
    assert served["openapi"] == "3.1.0"
    assert set(served["webhooks"]) == set(EVENT_TYPES)
    named = {part.name for operation in OPERATIONS for part in (operation.request, operation.response) if part}
    assert named | {"Event"} <= set(served["components"]["schemas"])


def test_the_docs_have_the_magic_table_of_the_code() -> None:
    assert magic_table() in DOCS.read_text(encoding="utf-8")
    assert magic_table() in document(OPERATIONS)["info"]["description"]
