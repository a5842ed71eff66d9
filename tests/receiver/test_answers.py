"""The table of answers, which code, metrics and documents read."""

from __future__ import annotations

import logging
from typing import get_args

import pytest

from molam_sdk.receiver.answers import ANSWERS, BY_REFUSAL, AnswerRule, DeliveryResult
from molam_sdk.webhooks import Refusal

SENT_AGAIN = {408, 409, 425, 429, *range(500, 600)}


def test_every_result_has_a_row_and_every_refusal_a_result() -> None:
    assert set(ANSWERS) == set(get_args(DeliveryResult))
    assert set(BY_REFUSAL) == set(get_args(Refusal))


@pytest.mark.parametrize("rule", ANSWERS.values(), ids=ANSWERS)
def test_what_molam_sends_again_is_told_when_and_nothing_else_is(rule: AnswerRule) -> None:
    assert (rule.retry_after is not None) is (rule.status in SENT_AGAIN)


@pytest.mark.parametrize("rule", ANSWERS.values(), ids=ANSWERS)
def test_what_is_logged_as_an_error_is_never_given_up(rule: AnswerRule) -> None:
    assert rule.level < logging.ERROR or rule.status in SENT_AGAIN


@pytest.mark.parametrize(
    "result", ["failed", "store_error", "unreadable", "malformed", "clock", "no_secret", "lookup_failed", "live_mode"]
)
def test_what_costs_money_is_an_error(result: DeliveryResult) -> None:
    assert ANSWERS[result].level == logging.ERROR


def test_only_what_no_repetition_mends_is_given_up() -> None:
    assert [result for result, rule in ANSWERS.items() if rule.status == 400] == ["invalid", "hung_up"]
    ended = {refusal for refusal, result in BY_REFUSAL.items() if result == "invalid"}
    assert ended == {"missing_header", "malformed_header", "mismatch", "too_large"}
