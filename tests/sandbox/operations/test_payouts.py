"""Payouts."""

from __future__ import annotations

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import PAYOUT, PAYOUTS, Api


def test_a_payout_completes_after_a_while(api: Api, sandbox: Sandbox) -> None:
    payout = api.made(PAYOUTS, PAYOUT)
    assert payout["status"] == "pending"
    sandbox.clock.advance(minutes=1)
    later = api.get(f"{PAYOUTS}/{payout['id']}").json()
    assert later["status"] == "completed"
    assert later["completed_at"] > payout["created_at"]
