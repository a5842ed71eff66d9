"""Waiting until a payment, a refund or a payout is no longer on its way."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import MolamTimeoutError, NotFoundError, RequestValidationError
from molam_sdk.testing import reply
from tests.journalling.conftest import Shop
from tests.support.script import INTENT, error_reply

HEAD = {"X-Molam-Request-Id": "req_1"}
PRICED = {"amount": 5, "currency": "USD"}
REFUND = PRICED | {"id": "re_1", "payment_id": "pi_1"}
PAYOUT = PRICED | {"id": "po_1", "beneficiary": "b", "origin_module": "m", "origin_entity": "e"}


def at(model: dict[str, Any], *statuses: str) -> list[Any]:
    return [reply(200, model | {"status": status}, HEAD) for status in statuses]


@pytest.mark.parametrize(
    ("model", "statuses", "path"),
    [
        (INTENT, ["processing", "processing", "succeeded"], "/v1/connect/payment_intents/pi_1"),
        (INTENT, ["processing", "failed"], "/v1/connect/payment_intents/pi_1"),
        (INTENT, ["requires_capture"], "/v1/connect/payment_intents/pi_1"),
        (INTENT, ["a status of tomorrow"], "/v1/connect/payment_intents/pi_1"),
        (REFUND, ["pending", "succeeded"], "/v1/connect/refunds/re_1"),
        (PAYOUT, ["pending", "completed"], "/v1/connect/payouts/po_1"),
    ],
)
def test_it_is_asked_for_until_it_is_there(shop: Shop, model: Any, statuses: list[str], path: str) -> None:
    transport = shop.open(*at(model, *statuses), journal=None)
    found = shop.caller.call("wait_until_final", model["id"], timeout=60)
    assert found.status == statuses[-1]
    assert len(transport.requests) == len(statuses)
    assert all(request.url.endswith(path) for request in transport.requests)


def test_the_pauses_grow_and_end_with_the_deadline(shop: Shop) -> None:
    transport = shop.open(*at(INTENT, *["processing"] * 30), journal=None)
    with pytest.raises(MolamTimeoutError, match="pi_1 is still processing after 30 s") as caught:
        shop.caller.call("wait_until_final", "pi_1", timeout=30)
    assert transport.pauses == [0.25, 0.5, 1, 2, 4, 8, 8]
    assert not caught.value.money_may_have_moved
    assert caught.value.request_id == "req_1"


@pytest.mark.parametrize("wrong", ["", "cus_1", "pi", None, 5])
def test_an_id_of_nothing_that_is_on_its_way_is_refused(shop: Shop, wrong: Any) -> None:
    shop.open(journal=None)
    with pytest.raises(RequestValidationError, match="pi_, re_, po_"):
        shop.caller.call("wait_until_final", wrong)


@pytest.mark.parametrize("wrong", [0, -1, True, "5", float("nan")])
def test_a_timeout_that_is_none_is_refused(shop: Shop, wrong: Any) -> None:
    shop.open(journal=None)
    with pytest.raises(RequestValidationError, match="timeout"):
        shop.caller.call("wait_until_final", "pi_1", timeout=wrong)


def test_an_object_that_is_not_there_is_an_error(shop: Shop) -> None:
    shop.open(error_reply(404), journal=None)
    with pytest.raises(NotFoundError):
        shop.caller.call("wait_until_final", "pi_1")


def test_an_event_that_the_journal_hears_of_ends_the_wait_early(shop: Shop) -> None:
    transport = shop.open(*at(INTENT, "succeeded", *["processing"] * 5, "succeeded"))
    shop.pay()
    quiet = transport.sleep

    def sleep(seconds: float) -> None:
        quiet(seconds)
        if sum(transport.pauses) > 10:
            shop.bench.store.hear(["pi_1"], lambda _entry: None)

    transport.sleep = sleep  # type: ignore[method-assign]
    assert shop.caller.call("wait_until_final", "pi_1", timeout=60).status == "succeeded"
    assert sum(transport.pauses) < 12.5  # the next look would have come after 0.25 + 0.5 + 1 + 2 + 4 + 8 s
    assert max(transport.pauses) <= 0.25


def test_a_journal_that_cannot_be_read_only_waits_longer(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_name: str) -> float | None:
        raise OSError("away")

    monkeypatch.setattr(shop.bench.store, "heard_at", away)
    shop.open(*at(INTENT, "processing", "processing", "succeeded"))
    assert shop.caller.call("wait_until_final", "pi_1", timeout=60).status == "succeeded"
