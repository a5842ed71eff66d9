"""A limit of calls in flight per group: refused at once or after a bounded wait, and never the other group's."""

from __future__ import annotations

import time
from typing import Any

from prometheus_client import CollectorRegistry

from molam_sdk import BulkheadFullError
from tests.support.caller import Caller
from tests.support.http_server import INTENT, KEPT, ORDER, Serve, Turn, Wire, http

PAYOUT = {
    "amount": 5, "currency": "USD", "beneficiary": "b", "origin_module": "m", "origin_entity": "e",
}  # fmt: skip
MADE = {**PAYOUT, "id": "po_1", "status": "pending", "created_at": "2026-01-01T00:00:00Z", "metadata": {}}


def after(seconds: float) -> Turn:
    """An answer that is right for both operations, late."""

    def turn(wire: Wire) -> bool:
        wire.over.wait(seconds)
        wire.send(http(201, INTENT | MADE | {"id": "made"}))
        return KEPT

    return turn


def pay_out(count: int) -> list[Any]:
    return [("create_payout", (PAYOUT,), {})] * count


def test_a_full_group_is_refused_at_once_and_counted(caller: Caller, serve: Serve) -> None:
    server, registry = serve(usual=after(0.3)), CollectorRegistry()
    caller.make(server.url, bulkheads={"payouts": 2}, registry=registry)
    began = time.monotonic()
    found = caller.together(pay_out(6))
    refused = [error for error in found if isinstance(error, BulkheadFullError)]
    assert (len(refused), len(server.requests)) == (4, 2)
    assert {(error.outcome, error.attempts, error.operation) for error in refused} == {("not_sent", 0, "create_payout")}
    assert max(error.elapsed for error in refused) < 0.2
    assert time.monotonic() - began < 1.5
    labels = {"endpoint": "create_payout", "code": "bulkhead_full"}
    assert registry.get_sample_value("molam_sdk_requests_total", labels) == 4


def test_a_place_that_falls_free_in_time_is_taken(caller: Caller, serve: Serve) -> None:
    caller.make(serve(usual=after(0.05)).url, bulkheads={"payouts": 1}, bulkhead_wait=5.0)
    assert [getattr(found, "id", found) for found in caller.together(pay_out(4))] == ["made"] * 4


def test_the_wait_is_bounded_by_its_setting_and_by_the_deadline(caller: Caller, serve: Serve) -> None:
    caller.make(serve(usual=after(1.0)).url, bulkheads={"payouts": 1}, bulkhead_wait=0.1)
    found = caller.together(pay_out(2))
    (refused,) = [error for error in found if isinstance(error, BulkheadFullError)]
    assert 0.09 <= refused.elapsed < 0.6  # a semaphore may look at its clock a little before ours
    caller.make(serve(usual=after(1.0)).url, bulkheads={"payouts": 1}, bulkhead_wait=60.0)
    long, short = (("create_payout", (PAYOUT,), {"timeout": seconds}) for seconds in (5.0, 0.2))
    _, refused = caller.together([long, short])
    assert 0.19 <= refused.elapsed < 0.7


def test_payouts_do_not_starve_checkouts(caller: Caller, serve: Serve) -> None:
    server = serve(usual=after(1.0))  # long enough for a busy machine to start them all
    caller.make(server.url, bulkheads={"payouts": 2, "payments": 8})
    found = caller.together([*pay_out(20), *[("create_payment_intent", (ORDER,), {})] * 8])
    assert [getattr(answer, "id", answer) for answer in found[20:]] == ["made"] * 8
    assert sum(isinstance(answer, BulkheadFullError) for answer in found[:20]) == 18


def test_a_place_is_given_back_whatever_happens(caller: Caller, serve: Serve) -> None:
    server = serve()
    server.refuse()
    caller.make(server.url, bulkheads={"payouts": 1}, max_retries=0, guarded=False)
    found = [caller.together(pay_out(1))[0] for _ in range(3)]
    assert not any(isinstance(error, BulkheadFullError) for error in found)
