"""What an entry says of itself: the result, the doubt, the answer that is given again."""

from __future__ import annotations

import pytest

from molam_sdk import PaymentIntent
from molam_sdk.journal import KeptAnswer
from molam_sdk.testing import reply
from tests.journal.test_rules import stored
from tests.support.script import INTENT, OK

CREATED = {"operation": "create_payment_intent", "path": "/v1/connect/payment_intents"}


def test_the_result_is_what_the_operation_answered_with() -> None:
    entry = stored(**CREATED, state="done", answer=KeptAnswer.of(OK), request_id="req_ok")
    result = entry.result
    assert isinstance(result, PaymentIntent)
    assert (result.id, result.replayed, result.request_id, result.idempotency_key) == (
        "pi_1",
        True,
        "req_ok",
        "order-7",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "open", "answer": KeptAnswer.of(OK)},
        {"state": "refused", "answer": KeptAnswer.of(OK)},
        {"state": "done", "answer": None},
        {"state": "done", "answer": KeptAnswer(200, {}, b"<html>")},
        {"state": "done", "answer": KeptAnswer.of(OK), "operation": "tomorrow's"},
    ],
)
def test_there_is_no_result_where_nothing_can_be_read(changes: dict[str, object]) -> None:
    assert stored(**(CREATED | changes)).result is None


def test_of_an_answer_only_what_proves_it_and_its_body_are_kept() -> None:
    kept = KeptAnswer.of(reply(201, INTENT, {"X-Molam-Request-Id": "r", "X-Request-ID": "s", "Set-Cookie": "secret"}))
    again = kept.reply(5.0)
    assert dict(kept.head) == {"X-Molam-Request-Id": "r", "X-Request-ID": "s"}
    assert (again.status, again.body, again.received_at) == (201, kept.body, 5.0)
    assert again.headers.get("Idempotent-Replayed") == "true"
    assert kept.head_text == '{"X-Molam-Request-Id": "r", "X-Request-ID": "s"}'


def test_a_doubt_is_as_old_as_the_entry_whatever_the_clocks_say() -> None:
    doubt = stored(outcome="accepted", age=60.0, first_used_at=5.0).doubt(now=1_000_000.0)
    assert (doubt.outcome, doubt.first_used_at, doubt.account, doubt.base_url) == (
        "accepted",
        999_940.0,
        "acc",
        "https://api.test",
    )
    assert doubt.request.body == stored().body
    assert stored(outcome=None).doubt(0.0).outcome == "unknown"


def test_neither_body_nor_answer_is_shown() -> None:
    text = repr(stored(body=b"4242 personal", state="done", answer=KeptAnswer(200, {}, b"4242 personal")))
    assert "personal" not in text
