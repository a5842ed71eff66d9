"""A wrong payload is an error of the SDK's and of pydantic's in one, and carries no value."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from molam_sdk import MolamError, RequestValidationError
from molam_sdk.models import PaymentIntentCreate, PayoutCreate, RefundCreate

WRONG: dict[str, Any] = {
    "amount": "s3cret-amount, s3cret-amount",
    "customer_id": ["s3cret-customer"],
    "s3cret field of a merchant": 1,
}


def _error(payload: dict[str, Any] = WRONG) -> Any:
    with pytest.raises(MolamError) as caught:
        PaymentIntentCreate(**payload)
    return caught.value


def test_either_kind_of_except_catches_it() -> None:
    for kind in (MolamError, RequestValidationError, ValidationError, ValueError):
        with pytest.raises(kind):
            PaymentIntentCreate(amount="abc")
    error = _error()
    assert (error.outcome, error.__cause__, error.__context__) == ("not_sent", None, None)


def test_the_message_names_each_field_and_what_is_allowed() -> None:
    text = str(_error())
    assert text.startswith("PaymentIntentCreate: amount: Amount must be a number in major currency units")
    assert "customer_id: Input should be a valid string" in text
    assert "outcome=not_sent" in text


def test_what_pydantic_tells_is_there_without_the_values() -> None:
    error = _error()
    assert (error.title, error.error_count()) == ("PaymentIntentCreate", 3)
    found = {line["loc"]: (line["type"], line["input"]) for line in error.errors()}
    assert found[("amount",)] == ("value_error", "***")
    assert found[("customer_id",)] == ("string_type", "***")
    assert "s3cret" not in f"{error}{error!r}{error.json()}{json.dumps(error.to_dict())}{error.args}"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_a_copy_is_the_plain_error_with_the_same_words(copied: Any) -> None:
    error = _error()
    again = copied(error)
    assert type(again) is RequestValidationError
    assert (str(again), again.outcome) == (str(error), "not_sent")


def test_it_travels_as_json() -> None:
    error = MolamError.from_dict(json.loads(json.dumps(_error().to_dict())))
    assert (type(error), error.class_name, error.outcome) == (RequestValidationError, "PayloadError", "not_sent")


def test_every_way_to_make_a_model_raises_it() -> None:
    order = PaymentIntentCreate(amount=5, currency="USD")
    for make in (
        lambda: RefundCreate(payment_id=""),
        lambda: PaymentIntentCreate.model_validate({"amount": -1}),
        lambda: PaymentIntentCreate.model_validate_json("{"),
        lambda: order.model_copy(update={"amount": 0}),
    ):
        with pytest.raises(RequestValidationError):
            make()


def test_a_right_model_is_made_as_before() -> None:
    made = PayoutCreate(amount=5, currency="xof", beneficiary={"id": "b"}, origin_module="m", origin_entity="e")
    again = PayoutCreate.model_validate(made.model_dump())
    assert made == again == PayoutCreate.model_validate_json(made.to_json())
