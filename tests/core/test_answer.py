"""From the bytes of a 2xx to a model, a document, or the reason why not."""

from __future__ import annotations

import json
import signal
from decimal import Decimal
from typing import Any

import pytest

from molam_sdk import PaymentIntent, ResponseInfo
from molam_sdk._core.answer import UnreadableError, attach, parse_document, parse_model, parse_nothing
from molam_sdk.testing import reply
from tests.support.script import INTENT

read_intent = parse_model(lambda: PaymentIntent)


def test_a_model_is_read_from_the_bytes() -> None:
    intent = read_intent(reply(200, INTENT))
    assert (intent.id, intent.amount) == ("pi_1", Decimal("100.5"))


def test_a_model_that_does_not_fit_names_the_field() -> None:
    with pytest.raises(UnreadableError, match=r"^id: .*string"):
        read_intent(reply(200, INTENT | {"id": 7}))
    with pytest.raises(UnreadableError, match=r"^Invalid JSON"):
        read_intent(reply(200, b"<html>"))


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"", "Expecting"), (b'{"error": {"code": "x"}}', "it is an error"), (b'{"error_code": "x"}', "it is an error"),
     (b"[1]", "a JSON object was expected, not list"), (b"null", "a JSON object was expected, not NoneType"),
     (b'{"a": NaN}', "NaN is not JSON"), (b'{"a": -Infinity}', "-Infinity is not JSON"), (b"{", "Expecting")],
)  # fmt: skip
def test_a_document_that_is_none_says_why(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=f"^{why}"):
        parse_document(reply(200, body))


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b"", {}),
        (b" \n", {}),
        (b'{"a": 0.10, "b": 3}', {"a": Decimal("0.10"), "b": 3}),
        (b'{"id": "job_1", "error": {"code": "x"}}', {"id": "job_1", "error": {"code": "x"}}),
        (b'{"error": null}', {"error": None}),
        (b'{"error": false}', {"error": False}),
        (b'{"error": ""}', {"error": ""}),
    ],
)
def test_a_document_is_a_json_object_or_nothing(body: bytes, document: dict[str, Any]) -> None:
    assert parse_document(reply(200, body, {"X-Molam-Request-Id": "req_1"})) == document


@pytest.mark.parametrize("body", [b"", b" ", b'{"deleted": true}'])
def test_where_nothing_is_expected_an_object_will_do(body: bytes) -> None:
    parse_nothing(reply(200, body))


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"error": {"code": "x"}}', b'{"error": {"code": 7}}', b'{"error_code": "x"}', b"[]"]
)
def test_where_nothing_is_expected_a_page_or_an_error_is_still_none(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        parse_nothing(reply(200, body))


def test_what_has_no_place_for_how_it_came_stays_as_it_is() -> None:
    assert attach(7, ResponseInfo(200, {}, None, None, False, 1, 0.0)) == 7


class _TimeIsUp(ValueError):  # noqa: N818 - as celery names its own
    """A merchant's time limit, of a type that reading JSON raises too."""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signal")
def test_a_time_limit_that_strikes_while_it_reads_is_no_fault_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def strike(_signal: int, _frame: object) -> None:
        raise _TimeIsUp

    def loads(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, strike)
    monkeypatch.setattr(json, "loads", loads)
    try:
        with pytest.raises(_TimeIsUp):
            parse_document(reply(200, {}))
    finally:
        signal.signal(signal.SIGUSR1, before)
