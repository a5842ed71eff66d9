"""What is in doubt when a task gives up is resolved, and never lost on the way there."""

from __future__ import annotations

import time
from typing import Any

import pytest

from molam_sdk import ClientConfig, DeclinedError, MolamClient, ServerError
from molam_sdk.testing import reply

celery = pytest.importorskip("celery", reason="the extra celery is not installed")

from celery.exceptions import Retry  # noqa: E402

from molam_sdk.contrib.celery import HEADER  # noqa: E402
from tests.support.celery_shop import BUSY, DECLINED, ID, INTENT, LOST, ORDER, REFUSED, Shop, no  # noqa: E402


def test_the_last_run_resolves_and_goes_on_from_there() -> None:
    shop = Shop(LOST, INTENT, INTENT, max_retries=3)
    assert shop.run(retries=3) == "pi_1"
    assert set(shop.keys()) == {f"celery/{ID}"}


def test_the_last_run_raises_the_definite_answer() -> None:
    error = Shop(LOST, DECLINED, max_retries=0).run()
    assert isinstance(error, DeclinedError)
    assert error.outcome == "rejected"


def test_what_cannot_be_resolved_ends_unknown_with_its_key() -> None:
    error = Shop(LOST, *[BUSY] * 50, max_retries=0).run()
    assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")


def test_a_client_that_cannot_resolve_changes_nothing() -> None:
    shop = Shop(LOST, max_retries=0)
    shop.transport.script.append(lambda request: (_ for _ in ()).throw(AssertionError))
    other = MolamClient(ClientConfig(api_key="sk_test_1", base_url="https://api.molam.test"))
    other.close()
    shop.task.molam_client = other
    error = shop.run()
    assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")


def test_without_a_client_the_error_is_stored_as_it_is() -> None:
    error = Shop(LOST, max_retries=0, molam_client=None).run()
    assert error.outcome == "unknown"


@pytest.mark.parametrize("source", ["instance", "callable", "app", "static"])
def test_where_the_client_comes_from(source: str) -> None:
    shop = Shop(LOST, INTENT, INTENT, max_retries=0, molam_client=None)
    if source == "app":
        shop.app.molam_client = lambda: shop.client
    else:
        by = {"instance": shop.client, "callable": lambda: shop.client, "static": staticmethod(lambda: shop.client)}
        type(shop.app.tasks[shop.task.name]).molam_client = by[source]
    assert shop.run() == "pi_1"


def test_a_definite_no_after_a_lost_worker_is_asked_about_before_it_is_believed() -> None:
    shop = Shop(no(401), INTENT, INTENT)
    assert shop.run(delivery_info={"redelivered": True}) == "pi_1"
    error = Shop(DECLINED, DECLINED).run(delivery_info={"redelivered": True})
    assert isinstance(error, DeclinedError)
    assert error.outcome == "rejected"


def test_a_refused_connection_after_a_doubt_leaves_it_in_doubt() -> None:
    shop = Shop(LOST, REFUSED, *[REFUSED] * 50)
    retry = shop.again(shop.run())
    assert isinstance(retry, Retry)
    assert retry.exc.outcome == "unknown"


def test_a_refusal_after_a_doubt_leaves_it_in_doubt() -> None:
    """Row 1: 429, 401 and 403 tell of this call, not of the one before under the same key."""
    for refusal in (no(401), no(403), no(429)):
        shop = Shop(LOST, refusal, *[refusal] * 200, max_retries=1)
        error = shop.again(shop.run())
        assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")


def test_a_later_run_that_fails_of_something_else_does_not_lose_the_doubt() -> None:
    calls: list[int] = []

    def broken_at_second(task: Any, client: MolamClient) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise KeyError("bug")
        return client.create_payment_intent(ORDER, idempotency_key=task.idempotency_key())

    shop = Shop(LOST, *[BUSY] * 50, body=broken_at_second)
    error = shop.again(shop.run())
    assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")
    assert error.causes[0] == "KeyError: 'bug'"  # below it stands whatever the worker was handling meanwhile
    calls.clear()
    settled = Shop(LOST, INTENT, body=broken_at_second)
    assert isinstance(settled.again(settled.run()), KeyError)


def test_a_later_run_that_is_declined_elsewhere_does_not_lose_the_doubt() -> None:
    purposes = ["", "other"]

    def one_call_a_run(task: Any, client: MolamClient) -> Any:
        return client.create_payment_intent(ORDER, idempotency_key=task.idempotency_key(purposes.pop(0)))

    shop = Shop(LOST, DECLINED, *[BUSY] * 50, body=one_call_a_run)
    error = shop.again(shop.run())
    assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")
    assert "DeclinedError" in error.causes[0]


def test_a_doubt_that_is_too_large_for_a_message_goes_by_its_key() -> None:
    huge = {**ORDER, "metadata": {"note": "x" * 40_000}}
    shop = Shop(
        LOST, no(401), *[BUSY] * 50,
        body=lambda task, client: client.create_payment_intent(huge, idempotency_key=task.idempotency_key()),
    )  # fmt: skip
    retry = shop.run()
    assert retry.sig.options["headers"][HEADER]["doubts"] == {f"celery/{ID}": ""}
    assert shop.again(retry).exc.outcome == "unknown"


def test_a_key_that_molam_may_have_forgotten_is_not_used_again() -> None:
    old = {HEADER: {"since": time.time() - 23.5 * 3600}}
    shop = Shop(INTENT)
    error = shop.run(delivery_info={"redelivered": True}, headers=old)
    assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")
    assert shop.transport.requests == []
    assert shop.run(headers=old) == "pi_1"  # waited a day in the queue, and never ran before


def test_what_is_in_doubt_is_not_put_off_beyond_the_life_of_its_key() -> None:
    old = {HEADER: {"since": time.time() - 22.9 * 3600}}
    slow = reply(503, None, {"Retry-After": "900"})
    assert isinstance(Shop(slow).run(), Retry)
    assert isinstance(Shop(*[slow] * 200).run(headers=old), ServerError)
