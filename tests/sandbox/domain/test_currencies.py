"""Amounts come back as they were sent."""

from __future__ import annotations

import pytest

from tests.support.sandbox_api import INTENTS, Api


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [(100.5, "USD", b'"amount": 100.5'), (5000, "XOF", b'"amount": 5000'), (1.234, "KWD", b'"amount": 1.234')],
)
def test_amounts_come_back_as_exact_json_numbers(api: Api, amount: float, currency: str, shown: bytes) -> None:
    answer = api.post(INTENTS, {"amount": amount, "currency": currency})
    assert shown in answer.content


def test_fifteen_digits_survive_the_way_there_and_back(api: Api) -> None:
    answer = api.session.post(
        api.url + INTENTS,
        data='{"amount": 9999999999999.99, "currency": "USD"}',
        headers={"Content-Type": "application/json", "Idempotency-Key": "digits"},
        timeout=5,
    )
    assert b'"amount": 9999999999999.99' in answer.content
