"""Bodies that cannot be read are refused."""

from __future__ import annotations

import json

import pytest

from tests.support.sandbox_api import INTENTS, Api, code

GOOD = {"amount": 1, "currency": "USD"}


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff",
        b'{"amount": NaN, "currency": "USD"}',
        b'{"amount": 1e999999999, "currency": "USD"}',
        b'{"amount": 1e99999999999999999999, "currency": "USD"}',
        b'{"amount": 1' + b"0" * 5000 + b', "currency": "USD"}',
        b'{"amount": 1, "currency": "USD", "description": "\\ud800"}',
        b'{"amount": 1, "currency": "USD", "metadata": {"x": "\\ud800"}}',
        b'{"amount": 1, "currency": "USD", "metadata": {"x": 1e400}}',
        b'{"amount": 1, "currency": "USD", "\\ud800": 1}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_good_json_is_400_and_never_500(shared: Api, raw: bytes) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "raw"}
    answer = shared.session.post(shared.url + INTENTS, data=raw, headers=headers, timeout=30)
    assert answer.status_code == 400, answer.text


def test_another_media_type_is_415(shared: Api) -> None:
    headers = {"Content-Type": "text/plain", "Idempotency-Key": "k"}
    answer = shared.session.post(shared.url + INTENTS, data=json.dumps(GOOD), headers=headers, timeout=30)
    assert code(answer) == (415, "unsupported_media_type")


def test_a_body_beyond_a_megabyte_is_413(shared: Api) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    answer = shared.session.post(shared.url + INTENTS, data=b" " * 1_100_000, headers=headers, timeout=30)
    assert code(answer) == (413, "body_too_large")
