"""The client, the document and the sandbox agree, each written without looking at the other."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from molam_sdk import MolamClient, models, money
from molam_sdk._core.operations import BY_NAME
from molam_sdk.exceptions import MolamError
from molam_sdk.sandbox.domain.currencies import EXPONENTS
from molam_sdk.sandbox.domain.refusal import RefusalError
from molam_sdk.sandbox.http.reading import parse
from molam_sdk.sandbox.operations.served import checked_body
from molam_sdk.sandbox.operations.table import OPERATIONS

OF_THE_SANDBOX_ALONE = {"rotate_webhook_secret"}
OF_THE_CLIENT_ALONE = {"get", "post"}
DOCUMENTED = {operation.name: operation for operation in OPERATIONS if operation.name not in OF_THE_SANDBOX_ALONE}
BODIES = {operation.request.name: operation.request.fields for operation in OPERATIONS if operation.request}
OBJECTS = {operation.response.name: operation.response.schema for operation in OPERATIONS if operation.response}
CREATED = [name for name in BODIES if name.endswith("Create")]


def test_they_name_the_same_operations() -> None:
    assert set(DOCUMENTED) == set(BY_NAME) - OF_THE_CLIENT_ALONE
    assert all(callable(getattr(MolamClient, name)) for name in DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_an_operation_has_one_method_and_one_path(name: str) -> None:
    endpoint, operation = BY_NAME[name], DOCUMENTED[name]
    assert (endpoint.method, endpoint.path) == (operation.method, re.sub(r"\{\w+\}", "{}", operation.path))


@pytest.mark.parametrize("name", CREATED)
def test_a_request_has_the_same_parameters(name: str) -> None:
    model = getattr(models, name)
    assert set(model.model_fields) == {field.name for field in BODIES[name]}
    required = {field for field, info in model.model_fields.items() if info.is_required()}
    # The client fills in its default currency.
    assert required | {"currency"} & set(model.model_fields) == {f.name for f in BODIES[name] if f.required}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_answer_has_what_the_client_reads(name: str) -> None:
    fields, documented = getattr(models, name).model_fields, OBJECTS[name]
    assert set(fields) <= set(documented["properties"])
    assert {field for field, info in fields.items() if info.is_required()} <= set(documented["required"])


def test_currencies_and_their_decimals_are_the_same() -> None:
    assert money.EXPONENTS == EXPONENTS


AMOUNTS = st.one_of(
    st.decimals(min_value=-10, max_value=10**16, allow_nan=False, allow_infinity=False, places=4),
    st.builds(lambda digits, shift: Decimal(digits).scaleb(-shift), st.integers(0, 10**17), st.integers(0, 6)),
)


@settings(max_examples=500, deadline=None)
@given(amount=AMOUNTS, currency=st.sampled_from(["XOF", "USD", "KWD", "CLF", "JPY"]))
def test_an_amount_is_good_for_both_or_for_neither(amount: Decimal, currency: str) -> None:
    try:
        sent = models.PaymentIntentCreate(amount=amount, currency=currency).model_dump_json(exclude_none=True)
    except (ValidationError, MolamError):
        sent = None
    body = json.dumps({"currency": currency})[:-1] + f', "amount": {amount:f}}}'
    try:
        checked_body(DOCUMENTED["create_payment_intent"], parse(body.encode(), "application/json"))
        taken = True
    except RefusalError:
        taken = False
    assert taken == (sent is not None)
    if sent is not None:
        arrived = checked_body(DOCUMENTED["create_payment_intent"], parse(sent.encode(), "application/json"))
        assert arrived["amount"] == amount
