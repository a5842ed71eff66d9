"""What ``recover`` does with what any worker left open: it asks again, looks up, or lists for a review."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from molam_sdk import ClientClosedError, ClientConfig, MolamClient, MolamError, RequestValidationError
from molam_sdk.testing import ScriptedTransport, reply
from tests.journalling.conftest import Shop
from tests.support.journals import asked
from tests.support.script import INTENT, OK, TIMEOUT, error_reply

HEAD = {"X-Molam-Request-Id": "req_found"}
DAY = 86_400.0


def left_open(shop: Shop, *keys: str, **options: Any) -> None:
    """Payments whose worker heard nothing."""
    shop.open(*[TIMEOUT] * len(keys), **options)
    for key in keys:
        with pytest.raises(MolamError):
            shop.pay(key, timeout=5)
    for place, key in enumerate(keys):  # some databases' clocks tell milliseconds, in which all of them may fall
        shop.bench.aged(key, len(keys) - place)


def open_call(shop: Shop, name: str, *arguments: Any, age: float = DAY) -> None:
    shop.open(TIMEOUT)
    with pytest.raises(MolamError):
        shop.caller.call(name, *arguments, idempotency_key="order-7")
    shop.bench.aged("order-7", age)


def intent(**changes: Any) -> Any:
    return reply(200, INTENT | changes, HEAD)


def test_what_is_open_is_asked_again_under_its_own_key(shop: Shop) -> None:
    left_open(shop, "order-1", "order-2")
    transport = shop.open(OK, error_reply(402, "card_declined"))
    found = shop.recovered()
    assert [(entry.key, entry.state, entry.outcome) for entry in found] == [
        ("order-1", "done", None),
        ("order-2", "refused", "rejected"),
    ]
    assert found[0].result.id == "pi_1"
    assert [request.headers["Idempotency-Key"] for request in transport.requests] == ["order-1", "order-2"]
    assert transport.requests[0].body == found[0].body
    shop.open()
    assert shop.recovered() == []


def test_what_a_killed_worker_left_is_recovered_when_its_lease_is_over(shop: Shop) -> None:
    left_open(shop, "order-7")
    shop.bench.set("order-7", "outcome", None)
    shop.bench.set("order-7", "lease_until", 9e12)
    shop.open()
    assert shop.recovered() == []
    shop.bench.expired("order-7")
    shop.open(OK)
    assert [entry.state for entry in shop.recovered()] == ["done"]


def test_what_stays_in_doubt_is_told_and_left_open(shop: Shop) -> None:
    left_open(shop, "order-1", "order-2")
    shop.open(*[TIMEOUT] * 3, OK)
    found = shop.recovered(timeout=0.001)
    assert next((entry.key, entry.state, entry.outcome) for entry in found) == ("order-1", "open", "unknown")
    assert len(found) == 2


def test_what_has_ended_is_left_alone(shop: Shop) -> None:
    shop.open(OK, error_reply(402), error_reply(429))
    shop.pay("order-1")
    for key in ("order-2", "order-3"):
        with pytest.raises(MolamError):
            shop.pay(key)
    transport = shop.open()
    assert (shop.recovered(), transport.requests) == ([], [])


def test_entries_of_another_account_or_host_are_left_alone(shop: Shop) -> None:
    left_open(shop, "order-1", api_key="sk_test_other")
    left_open(shop, "order-2", base_url="https://other.test")
    transport = shop.open()
    assert (shop.recovered(), transport.requests) == ([], [])


def test_entries_of_a_replaced_api_key_are_recovered_on_demand(shop: Shop) -> None:
    left_open(shop, "order-1", api_key="sk_test_old")
    shop.open(OK)
    assert [entry.state for entry in shop.recovered(same_account=True)] == ["done"]


def test_no_more_are_asked_in_a_second_than_allowed(shop: Shop) -> None:
    left_open(shop, "order-1", "order-2", "order-3")
    transport = shop.open(OK, OK, OK)
    shop.recovered(per_second=2)
    assert [round(pause, 3) for pause in transport.pauses if pause] == [0.5, 0.5]


@pytest.mark.parametrize("wrong", [0, -1, True, "10", float("nan"), 1e9])
def test_a_rate_that_is_none_is_refused(shop: Shop, wrong: Any) -> None:
    shop.open()
    with pytest.raises(RequestValidationError, match="per_second"):
        shop.recovered(per_second=wrong)


def test_more_than_a_page_is_walked_in_the_order_of_first_use(shop: Shop) -> None:
    keys = [f"order-{number:03}" for number in range(130)]
    left_open(shop, *keys)
    shop.open(*[OK] * 130)
    found = shop.recovered(per_second=1000)
    assert sorted(entry.key for entry in found) == keys
    assert [entry.first_used_at for entry in found] == sorted(entry.first_used_at for entry in found)


def test_a_walk_that_was_broken_off_goes_on(shop: Shop) -> None:
    left_open(shop, "order-1", "order-2", "order-3")
    shop.open(OK, MemoryError())
    with pytest.raises(MemoryError):
        shop.recovered()
    shop.bench.expired("order-2")
    shop.open(OK, OK)
    assert [entry.key for entry in shop.recovered()] == ["order-2", "order-3"]


def test_a_closed_client_recovers_nothing(shop: Shop) -> None:
    left_open(shop, "order-1")
    shop.open()
    shop.caller.call("close")
    with pytest.raises(ClientClosedError):
        shop.recovered()
    assert shop.bench.entry("order-1").state == "open"


OLD: list[tuple[str, tuple[Any, ...], Any, str, str | None]] = [
    ("capture_payment_intent", ("pi_1",), intent(), "done", None),
    ("capture_payment_intent", ("pi_1",), intent(status="canceled"), "refused", "rejected"),
    ("capture_payment_intent", ("pi_1",), intent(status="requires_capture"), "review", "unknown"),
    ("capture_payment_intent", ("pi_1",), intent(id="pi_2"), "open", "unknown"),
    ("confirm_payment_intent", ("pi_1",), intent(status="processing"), "done", None),
    ("confirm_payment_intent", ("pi_1",), intent(status="failed"), "refused", "rejected"),
    ("cancel_payment_intent", ("pi_1",), intent(status="canceled"), "done", None),
    ("cancel_payment_intent", ("pi_1",), error_reply(404), "review", "unknown"),
    ("cancel_payment_intent", ("pi_1",), TIMEOUT, "open", "unknown"),
    ("delete_webhook_endpoint", ("we_1",), reply(200, {"data": []}, HEAD), "done", None),
    ("delete_webhook_endpoint", ("we_1",), reply(200, {"data": [], "has_more": True}, HEAD), "review", "unknown"),
    (
        "delete_webhook_endpoint",
        ("we_1",),
        reply(200, {"data": [{"id": "we_1", "url": "https://a", "events": []}]}, HEAD),
        "review",
        "unknown",
    ),
]


@pytest.mark.parametrize(("name", "arguments", "answer", "state", "outcome"), OLD)
def test_what_is_too_old_is_looked_up_and_never_sent(
    shop: Shop, name: str, arguments: Any, answer: Any, state: str, outcome: str | None
) -> None:
    open_call(shop, name, *arguments)
    transport = shop.open(answer)
    (entry,) = shop.recovered()
    assert (entry.state, entry.outcome) == (state, outcome)
    assert {request.method for request in transport.requests} == {"GET"}
    if state == "done" and name != "delete_webhook_endpoint":
        assert entry.result.id == "pi_1"


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("create_payment_intent", ({"amount": "5", "currency": "USD"},), "list_payment_intents: amount 5"),
        ("create_refund", ({"payment_id": "pi_1"},), "list_refunds: payment_id pi_1"),
        ("create_payout", ({"amount": 5, "currency": "USD", "beneficiary": "b", "origin_module": "m",
                            "origin_entity": "e"},), "list_payouts: amount 5, currency USD, beneficiary b"),
        ("post", ("/v1/new", {"a": 1}), "look at POST /v1/new"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_up_for_certain_needs_a_review(shop: Shop, name: str, arguments: Any, says: str) -> None:
    open_call(shop, name, *arguments)
    transport = shop.open()
    (entry,) = shop.recovered()
    assert (entry.state, entry.outcome, transport.requests) == ("review", "unknown", [])
    assert says in (entry.note or "")
    assert shop.recovered() == []
    assert [found.key for found in shop.listed(open=True)] == ["order-7"]


def test_a_clock_that_went_back_sends_nothing(shop: Shop) -> None:
    open_call(shop, "create_refund", {"payment_id": "pi_1"}, age=-DAY)
    transport = shop.open()
    (entry,) = shop.recovered()
    assert (entry.state, transport.requests) == ("review", [])


def test_what_was_written_before_the_clock_went_back_is_not_asked_again_when_it_has_come_to_that_time(
    shop: Shop,
) -> None:
    """By then its key is as old as the jump was far, and only looks new."""
    shop.bench.store.begin(asked(base_url="https://api.test", account=None), 60)
    shop.bench.set("order-7", "first_used", time.time() + 90_000)
    shop.bench.set("order-7", "lease_until", time.time() + 90_060)
    transport = shop.open()
    (found,) = shop.recovered()
    assert (found.state, transport.requests) == ("review", [])
    assert "in the future by the journal's clock" in (found.note or "")


def test_workers_that_recover_together_ask_once_for_each(shop: Shop) -> None:
    keys = [f"order-{number}" for number in range(20)]
    left_open(shop, *keys)
    transports = [ScriptedTransport(*[OK] * 20) for _ in range(4)]
    config = ClientConfig(api_key="sk_test_caller", base_url="https://api.test")

    def work(transport: ScriptedTransport) -> list[Any]:
        client = MolamClient(config, transport=transport, journal=shop.bench.store)
        return list(client.recover(per_second=1000))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, transports))
    sent = [request.headers["Idempotency-Key"] for transport in transports for request in transport.requests]
    assert sorted(sent) == sorted(keys)


def test_settling_by_hand_closes_a_review(shop: Shop) -> None:
    open_call(shop, "create_refund", {"payment_id": "pi_1"})
    shop.open()
    shop.recovered()
    journal = shop.caller.client.journal
    entry = shop.caller.wait(journal.settle("order-7", done=True, note="re_9 in the dashboard"))
    assert (entry.state, entry.note, entry.code) == ("done", "re_9 in the dashboard", "settled_by_hand")


def settled(shop: Shop, **options: Any) -> Callable[[], Any]:
    journal = shop.caller.client.journal
    return lambda: shop.caller.wait(journal.settle("order-7", **({"done": True, "note": "n"} | options)))


def test_only_what_is_open_and_at_rest_is_settled_by_hand(shop: Shop) -> None:
    shop.open(OK, TIMEOUT)
    with pytest.raises(RequestValidationError, match="unknown to the journal"):
        settled(shop)()
    shop.pay()
    with pytest.raises(RequestValidationError, match="is done"):
        settled(shop)()
    with pytest.raises(RequestValidationError, match="note"):
        settled(shop, note=" ")()
    shop.bench.set("order-7", "state", "open")
    shop.bench.set("order-7", "closed", False)
    shop.bench.set("order-7", "lease_until", 9e12)
    with pytest.raises(RequestValidationError, match="is running"):
        settled(shop)()


def test_pruning_by_the_client(shop: Shop) -> None:
    shop.open(OK)
    shop.pay()
    shop.bench.aged("order-7", 3 * DAY)
    shop.bench.set("order-7", "ended", 1.0)
    journal = shop.caller.client.journal
    for wrong in (timedelta(hours=23), 86_400, timedelta(days=-1)):
        with pytest.raises(RequestValidationError, match="older_than"):
            shop.caller.wait(journal.prune(older_than=wrong))
    assert shop.caller.wait(journal.prune(older_than=timedelta(days=2))) == 1
    assert shop.caller.wait(journal.get("order-7")) is None
