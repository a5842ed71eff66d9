"""Merchants."""

from __future__ import annotations

from tests.support.sandbox_api import MERCHANT, ONBOARD, Api


def test_a_merchant_is_onboarded(api: Api) -> None:
    merchant = api.made(ONBOARD, MERCHANT)
    assert (merchant["status"], merchant["kyc_status"]) == ("pending", "pending")
    assert merchant["onboarding_url"].endswith(merchant["id"])
