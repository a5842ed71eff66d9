"""No secret and no card number gets out, and what support needs stays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molam_sdk import PaymentIntent
from molam_sdk.redaction import REDACTED, redact_text, sanitize_sensitive_data

PAN = "4242424242424242"
SECRETS = ["sk_live_abcdef123", "sk_test_X9", "jwt_eyJhbGciOi.J9.x-y_z", "whsec_MTIz/+=", PAN, "4242 4242 4242 4242"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("text", ["{}", "before {} after", '"{}"', "a={}&b", "[{}]", "\n{}\n", "({})."])
def test_a_secret_in_a_text_is_taken_out(secret: str, text: str) -> None:
    cleaned = redact_text(text.format(secret))
    assert secret not in cleaned
    assert REDACTED in cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Authorization: Bearer abcdef123456", f"Authorization: Bearer {REDACTED}"),
        ("authorization: basic dXNlcjpwdw==", f"authorization: basic {REDACTED}"),
        ("cvc=123&name=x", f"cvc={REDACTED}&name=x"),
        ('{"password": "hunter2"}', f'{{"password": "{REDACTED}"}}'),
        ("pin: 1234", f"pin: {REDACTED}"),
        ("api_key=something", f"api_key={REDACTED}"),
    ],
)
def test_what_is_assigned_to_a_secret_name_is_taken_out(text: str, cleaned: str) -> None:
    assert redact_text(text) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "order-7 was paid",
        "pi-7e4489def974d28b465991b5bc552ba5",
        "4242424242424241",  # fails Luhn
        "1700000000000",  # a time in ms that is no card number
        "0000000000000000",
        "12.3456789012345678",
        "pinned at 3, tokens left",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("digits", "is_card"),
    [
        ("378282246310005", True),
        ("6011111111111117", True),
        ("30569309025904", True),
        ("5555555555554445", False),
        ("50180000007", False),  # 11 digits: too short for a card, its check digit right
        ("501800000009", True),
        ("5018000000000000007", True),
        ("50180000000000000009", False),  # 20 digits
    ],
)
def test_card_numbers_are_told_by_luhn(digits: str, is_card: bool) -> None:
    assert (redact_text(digits) == REDACTED) is is_card
    assert (sanitize_sensitive_data({"n": int(digits)})["n"] == REDACTED) is is_card


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "API-Key",
        "Authorization",
        "password",
        "client_secret",
        "webhook_secret",
        "my_token",
        "CVC",
        "pan",
        "card_number",
        "Set-Cookie",
    ],
)
def test_a_value_under_a_secret_name_goes_whole(name: str) -> None:
    for value in ("x", 123, ["x"], {"x": "y"}):
        assert sanitize_sensitive_data({"outer": [{name: value}]}) == {"outer": [{name: REDACTED}]}


def test_a_secret_that_is_absent_shows_as_absent() -> None:
    assert sanitize_sensitive_data({"api_key": None}) == {"api_key": None}


@pytest.mark.parametrize("name", ["idempotency_key", "Idempotency-Key", "request_id", "id", "event_id"])
def test_what_support_needs_stays_even_if_it_looks_like_a_card_number(name: str) -> None:
    assert sanitize_sensitive_data({name: PAN}) == {name: PAN}
    assert sanitize_sensitive_data({name: int(PAN)}) == {name: int(PAN)}


@dataclass
class Card:
    number: str

    def __repr__(self) -> str:
        return f"Card({self.number})"


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_everything_is_walked() -> None:
    intent = PaymentIntent.model_validate({"id": "pi_1", "status": "s", "amount": 1, "currency": "USD", "cvc": "123"})
    data = {
        "list": [PAN],
        "tuple": (PAN,),
        "set": {PAN},
        "bytes": PAN.encode(),
        "model": intent,
        "error": ValueError(f"card {PAN}"),
        "object": Card(PAN),
        PAN: 1,
        "unprintable": Unprintable(),
        "plain": [1, 1.5, True, None],
    }
    cleaned = sanitize_sensitive_data(data)
    assert PAN not in str(cleaned)
    assert cleaned["model"]["cvc"] == REDACTED
    assert cleaned["plain"] == [1, 1.5, True, None]
    assert "cannot be shown" in cleaned["unprintable"]
    assert data["list"] == [PAN]


def test_a_structure_without_end_ends() -> None:
    loop: dict[str, Any] = {"card": PAN}
    loop["loop"] = loop
    assert PAN not in json.dumps(sanitize_sensitive_data(loop))


@given(
    st.recursive(
        st.text() | st.integers() | st.none() | st.binary(), lambda i: st.lists(i) | st.dictionaries(st.text(), i)
    )
)
def test_no_data_makes_it_raise(data: object) -> None:
    json.dumps(sanitize_sensitive_data(data))


@given(st.text(), st.text())
def test_a_key_never_survives_whatever_stands_around_it(before: str, after: str) -> None:
    assert "sk_live_0123456789abcdef" not in redact_text(f"{before} sk_live_0123456789abcdef {after}")
