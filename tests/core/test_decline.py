"""Why a payment was declined: a bounded set of words."""

from __future__ import annotations

import pytest

from molam_sdk import APIError, DeclinedError
from molam_sdk._core.decline import DECLINE_CODES, DECLINE_REASONS, decline_reason_of
from molam_sdk.sandbox.domain.payment_intents import DECLINES


@pytest.mark.parametrize("code", DECLINE_CODES)
def test_a_code_of_molams_is_the_reason(code: str) -> None:
    assert decline_reason_of(DeclinedError(402, "No", code=code)) == code


@pytest.mark.parametrize("code", [None, "", "do_not_honor", "CARD_DECLINED", "x" * 100])
def test_any_other_code_is_other(code: str | None) -> None:
    assert decline_reason_of(DeclinedError(402, "No", code=code)) == "other"


@pytest.mark.parametrize("error", [None, APIError(409, "No", code="card_declined"), ValueError("card_declined")])
def test_what_is_no_decline_has_none(error: BaseException | None) -> None:
    assert decline_reason_of(error) is None


def test_every_decline_of_the_sandbox_has_a_word_of_its_own() -> None:
    assert set(DECLINES) <= set(DECLINE_REASONS) - {"other"}
