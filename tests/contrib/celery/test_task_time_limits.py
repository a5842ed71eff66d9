"""A soft time limit within a call leaves it in doubt, like a lost answer."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import DeclinedError, MolamClient, NetworkError

celery = pytest.importorskip("celery", reason="the extra celery is not installed")

from celery.exceptions import Retry, SoftTimeLimitExceeded  # noqa: E402

from tests.support.celery_shop import BUSY, DECLINED, ID, INTENT, LOST, ORDER, Shop, create  # noqa: E402


def interrupted(task: Any, client: MolamClient) -> Any:
    """As a soft time limit ends a call: it stays what it is, with the call's error behind it."""
    try:
        return client.create_payment_intent(ORDER, idempotency_key=task.idempotency_key())
    except NetworkError as error:
        raise SoftTimeLimitExceeded from error


def test_a_time_limit_in_a_call_runs_again_under_the_same_key() -> None:
    retry = Shop(LOST, body=interrupted).run()
    assert isinstance(retry, Retry)
    assert (retry.exc.outcome, retry.exc.idempotency_key) == ("unknown", f"celery/{ID}")


def test_a_time_limit_in_the_last_run_is_resolved() -> None:
    error = Shop(LOST, DECLINED, body=interrupted, max_retries=0).run()
    assert isinstance(error, DeclinedError)


def test_a_time_limit_after_a_doubt_was_settled_is_resolved_too() -> None:
    def two_calls(task: Any, client: MolamClient) -> Any:
        create(task, client)
        try:
            return client.confirm_payment_intent("pi_1", idempotency_key=task.idempotency_key("confirm"))
        except NetworkError as error:
            raise SoftTimeLimitExceeded from error

    shop = Shop(LOST, INTENT, INTENT, LOST, INTENT, INTENT, INTENT, body=two_calls, max_retries=0)
    assert shop.run() == "pi_1"
    assert set(shop.keys()) == {f"celery/{ID}", f"celery/{ID}/confirm"}


def test_a_time_limit_outside_a_call_is_one() -> None:
    def idle(task: Any, client: MolamClient) -> Any:
        raise SoftTimeLimitExceeded

    assert isinstance(Shop(body=idle).run(), SoftTimeLimitExceeded)


def test_resolving_ends_before_the_hard_limit() -> None:
    shop = Shop(LOST, *[BUSY] * 50, max_retries=0)
    shop.run(timelimit=[4, 2])
    assert sum(shop.transport.pauses) <= 1.0
